// What surrounds a simulated core: memory, a debugger that serves semihosting, readings of the counters.
//
//   0x1A110000  debug module: registers of the debugger, below; its program at 0x1A110800
//   0x80000000  16 MB of memory; a part may be flash, whose reads wait (--flash FROM:TO --ws N --lines L)
//
// It is the memory map of QEMU's `virt` machine, so that one image runs on both. The core is halted at reset and sent
// to the image's entry with `dcsr.ebreakm` set; from then on the semihosting sequence stops it in the debug program,
// which hands operation and argument to the bench and goes on behind the `ebreak` with the result. Files are those
// of the working directory.
//
// Every read of `minstret` appends a line "instructions=N cycles=M" to --totals: instructions as the program reads
// them, cycles since reset.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "Vcore_top.h"
#include "verilated.h"

namespace {

constexpr uint32_t kDebug = 0x1A110000, kProgram = kDebug + 0x800;
constexpr uint32_t kMemory = 0x80000000, kMemoryBytes = 16u << 20;

[[noreturn]] void fail(const std::string& what) {
  std::fflush(stdout);
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::exit(3);
}

// ---- The debugger's program, as the debug module holds it.

enum Register : uint32_t { kZero = 0, kT0 = 5, kA0 = 10, kA1 = 11 };
enum Control : uint32_t { kDcsr = 0x7B0, kDpc = 0x7B1, kScratch = 0x7B2 };

constexpr uint32_t lui(Register to, uint32_t upper) { return upper | to << 7 | 0x37; }
constexpr uint32_t sw(Register from, uint32_t at, Register base) {
  return at << 7 | from << 20 | base << 15 | 2 << 12 | 0x23;  // `at` below 32
}
constexpr uint32_t lw(Register to, uint32_t at, Register base) { return at << 20 | base << 15 | 2 << 12 | to << 7 | 3; }
constexpr uint32_t csrw(Control csr, Register from) { return csr << 20 | from << 15 | 1 << 12 | 0x73; }
constexpr uint32_t csrs(Control csr, Register from) { return csr << 20 | from << 15 | 2 << 12 | 0x73; }
constexpr uint32_t csrr(Register to, Control csr) { return csr << 20 | 2 << 12 | to << 7 | 0x73; }
constexpr uint32_t kDret = 0x7B200073;

// Registers of the debug module that the program uses.
enum Port : uint32_t { kOperation = 0, kArgument = 4, kStoppedAt = 8, kGoOnAt = 12, kResult = 16 };

constexpr uint32_t kCode[] = {
    csrw(kScratch, kT0),     lui(kT0, kDebug),
    sw(kA0, kOperation, kT0), sw(kA1, kArgument, kT0),
    csrr(kA0, kDpc),         sw(kA0, kStoppedAt, kT0),
    lw(kA0, kGoOnAt, kT0),   csrw(kDpc, kA0),
    lw(kA0, kResult, kT0),   lui(kT0, 1u << 15),  // dcsr.ebreakm
    csrs(kDcsr, kT0),        csrr(kT0, kScratch),
    kDret,
};

// ---- Memory, and semihosting on it.

class Machine {
 public:
  explicit Machine(const char* image) : bytes_(kMemoryBytes) { load(image); }

  uint32_t read(uint32_t at) const {
    at &= ~3u;
    uint32_t word = 0;
    if (at - kMemory < kMemoryBytes) {
      std::memcpy(&word, &bytes_[at - kMemory], 4);
    } else if (at - kProgram < sizeof kCode) {
      word = kCode[(at - kProgram) / 4];
    } else if (at == kDebug + kGoOnAt) {
      word = go_on_;
    } else if (at == kDebug + kResult) {
      word = result_;
    }
    return word;
  }

  void write(uint32_t at, uint32_t word, uint32_t lanes) {
    at &= ~3u;
    if (at - kMemory < kMemoryBytes) {
      for (int lane = 0; lane < 4; lane++) {
        if (lanes >> lane & 1) bytes_[at - kMemory + lane] = static_cast<uint8_t>(word >> 8 * lane);
      }
    } else if (at == kDebug + kOperation) {
      operation_ = word;
    } else if (at == kDebug + kArgument) {
      argument_ = word;
    } else if (at == kDebug + kStoppedAt) {
      stopped(word);
    } else {
      fail("a store to " + hex(at) + ", where nothing is");
    }
  }

  bool is_started() const { return is_started_; }
  bool is_done() const { return is_done_; }
  int exit_code() const { return exit_code_; }

 private:
  static std::string hex(uint32_t value) {
    char text[11];
    std::snprintf(text, sizeof text, "0x%08x", value);
    return text;
  }

  void load(const char* image) {
    std::FILE* file = std::fopen(image, "rb");
    if (!file) fail(std::string("cannot open ") + image);
    std::vector<uint8_t> elf;
    uint8_t part[65536];
    for (size_t n; (n = std::fread(part, 1, sizeof part, file)) > 0;) elf.insert(elf.end(), part, part + n);
    std::fclose(file);
    auto get = [&](size_t at, size_t size) {
      uint32_t value = 0;
      if (at + size > elf.size()) fail("the image is cut short");
      std::memcpy(&value, &elf[at], size);
      return value;
    };
    if (get(0, 4) != 0x464C457F || get(4, 1) != 1) fail("the image is no 32-bit ELF file");
    entry_ = get(24, 4);
    uint32_t table = get(28, 4), size = get(42, 2), count = get(44, 2);
    for (uint32_t i = 0; i < count; i++) {
      uint32_t header = table + i * size;
      uint32_t from = get(header + 4, 4), to = get(header + 12, 4), length = get(header + 16, 4);
      if (get(header, 4) != 1 || length == 0) continue;
      if (from + uint64_t{length} > elf.size()) fail("the image is cut short");
      std::memcpy(at(to, length), &elf[from], length);
    }
  }

  uint8_t* at(uint32_t address, uint32_t length) {
    if (address - kMemory > kMemoryBytes || length > kMemoryBytes - (address - kMemory)) {
      fail(std::to_string(length) + " bytes at " + hex(address) + " are not all in memory");
    }
    return &bytes_[address - kMemory];
  }

  // The core stopped: at reset, or because it executed `ebreak`.
  void stopped(uint32_t pc) {
    result_ = operation_;
    if (!is_started_) {
      is_started_ = true;
      go_on_ = entry_;
      return;
    }
    uint32_t around[3];
    std::memcpy(around, at(pc - 4, sizeof around), sizeof around);
    if (around[0] != 0x01F01013 || around[1] != 0x00100073 || around[2] != 0x40705013) {
      fail("the program stopped at " + hex(pc) + ", which is no semihosting call");
    }
    result_ = call();
    go_on_ = pc + 4;
  }

  uint32_t word(uint32_t index) {
    uint32_t value;
    std::memcpy(&value, at(argument_ + 4 * index, 4), 4);
    return value;
  }

  // One semihosting call; the numbers are those of the specification.
  uint32_t call() {
    switch (operation_) {
      case 0x01: return open();
      case 0x02: return files_.count(word(0)) ? close(word(0)) : -1;
      case 0x05: return word(2) - std::fwrite(at(word(1), word(2)), 1, word(2), file(word(0)));
      case 0x06: return word(2) - std::fread(at(word(1), word(2)), 1, word(2), file(word(0)));
      case 0x0A: return std::fseek(file(word(0)), word(1), SEEK_SET);
      case 0x0C: return length(file(word(0)));
      case 0x20:
        is_done_ = true;
        exit_code_ = word(1);
        return 0;
      default: fail("semihosting operation " + hex(operation_) + " is not served");
    }
  }

  uint32_t open() {
    const char* modes[] = {"r", "rb", "r+", "r+b", "w", "wb", "w+", "w+b", "a", "ab", "a+", "a+b"};
    std::string name(reinterpret_cast<char*>(at(word(0), word(2))), word(2));
    if (word(1) > 11) return -1;
    std::FILE* file = name == ":tt" ? stdout : std::fopen(name.c_str(), modes[word(1)]);
    if (!file) return -1;
    files_[++last_] = file;
    return last_;
  }

  uint32_t close(uint32_t handle) {
    std::FILE* file = files_[handle];
    files_.erase(handle);
    return file == stdout ? std::fflush(stdout) : std::fclose(file);
  }

  std::FILE* file(uint32_t handle) {
    auto found = files_.find(handle);
    if (found == files_.end()) fail("there is no open file " + std::to_string(handle));
    return found->second;
  }

  static uint32_t length(std::FILE* file) {
    long here = std::ftell(file);
    std::fseek(file, 0, SEEK_END);
    long end = std::ftell(file);
    std::fseek(file, here, SEEK_SET);
    return static_cast<uint32_t>(end);
  }

  std::vector<uint8_t> bytes_;
  std::map<uint32_t, std::FILE*> files_;
  uint32_t last_ = 0, entry_ = 0, operation_ = 0, argument_ = 0, go_on_ = 0, result_ = 0;
  bool is_started_ = false, is_done_ = false;
  int exit_code_ = 0;
};

// ---- Timing of the two memory ports.

// Where reads wait: a line of 16 bytes that no buffer holds costs `states` cycles. The buffers are sets of at most
// eight lines, of which the one unused longest is replaced.
struct Flash {
  uint32_t from = 0, to = 0, states = 0, lines = 1;
};

class Bus {
 public:
  explicit Bus(const Flash& flash) : flash_(flash) {
    ways_ = flash.lines < 8 ? flash.lines : 8;
    sets_ = flash.lines / ways_;
    tags_.assign(size_t{ways_} * sets_, ~0u);
    used_.assign(tags_.size(), 0);
  }

  // Whether a request is taken in this cycle: one at a time, the next as the answer to the last one comes.
  bool grants() const { return !is_open_; }

  // Takes a request.
  void take(uint32_t address, uint32_t data) {
    is_open_ = true;
    data_ = data;
    waiting_ = flash_.states && address - flash_.from < flash_.to - flash_.from ? wait(address / 16) : 0;
  }

  // Whether the answer comes in the next cycle; counts a cycle of waiting otherwise.
  bool answers() {
    if (!is_open_) return false;
    if (waiting_ > 0) {
      waiting_--;
      return false;
    }
    is_open_ = false;
    return true;
  }

  uint32_t data() const { return data_; }

 private:
  uint32_t wait(uint32_t line) {
    size_t first = size_t{line % sets_} * ways_, oldest = first;
    now_++;
    for (size_t way = first; way < first + ways_; way++) {
      if (tags_[way] == line) {
        used_[way] = now_;
        return 0;
      }
      if (used_[way] < used_[oldest]) oldest = way;
    }
    tags_[oldest] = line;
    used_[oldest] = now_;
    return flash_.states;
  }

  Flash flash_;
  uint32_t ways_, sets_, waiting_ = 0, data_ = 0;
  bool is_open_ = false;
  uint64_t now_ = 0;
  std::vector<uint32_t> tags_;
  std::vector<uint64_t> used_;
};

struct Options {
  Flash flash;
  const char* image = nullptr;
  const char* totals = nullptr;
};

uint32_t number(const char* text) {
  char* end;
  unsigned long value = std::strtoul(text, &end, 0);
  if (*end || end == text) fail(std::string("'") + text + "' is no number");
  return static_cast<uint32_t>(value);
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    std::string name = arguments[i];
    const char* value = arguments[i + 1];
    if (name == "--image") options.image = value;
    else if (name == "--totals") options.totals = value;
    else if (name == "--flash-from") options.flash.from = number(value);
    else if (name == "--flash-to") options.flash.to = number(value);
    else if (name == "--ws") options.flash.states = number(value);
    else if (name == "--lines") options.flash.lines = number(value);
    else fail("unknown option " + name);
  }
  if (!options.image || options.flash.lines == 0) fail("--image FILE is needed, and --lines above 0");
  return options;
}

// Appends the readings of the counter, each when the instruction that reads it is through.
class Readings {
 public:
  explicit Readings(const char* path) : file_(path ? std::fopen(path, "w") : nullptr) {}
  ~Readings() {
    if (file_) std::fclose(file_);
  }

  void cycle(bool is_reading, uint32_t value, uint64_t now) {
    if (!is_reading && was_reading_ && file_) {
      total_ += static_cast<uint32_t>(value_ - last_);
      last_ = value_;
      std::fprintf(file_, "instructions=%llu cycles=%llu\n", static_cast<unsigned long long>(total_),
                   static_cast<unsigned long long>(at_));
    }
    was_reading_ = is_reading;
    value_ = value;
    at_ = now;
  }

 private:
  std::FILE* file_;
  bool was_reading_ = false;
  uint32_t value_ = 0, last_ = 0;
  uint64_t total_ = 0, at_ = 0;
};

int simulate(const Options& options) {
  Machine machine(options.image);
  Bus code(options.flash), data(options.flash);
  Readings readings(options.totals);
  Vcore_top core;
  core.boot_i = kMemory;
  core.debug_i = kProgram;
  core.halt_i = 1;
  core.rst_ni = 1;
  core.clk_i = 0;
  core.eval();
  core.rst_ni = 0;
  for (int half = 0; half < 20; half++) {
    core.clk_i = half & 1;
    core.eval();
  }
  core.rst_ni = 1;
  for (uint64_t now = 0; !machine.is_done(); now++) {
    core.halt_i = !machine.is_started();
    core.instr_gnt_i = code.grants();
    core.data_gnt_i = data.grants();
    core.clk_i = 0;
    core.eval();
    bool fetches = core.instr_req_o && core.instr_gnt_i, accesses = core.data_req_o && core.data_gnt_i;
    uint32_t fetch_at = core.instr_addr_o, at = core.data_addr_o, word = core.data_wdata_o, lanes = core.data_be_o;
    bool is_store = core.data_we_o;
    readings.cycle(core.reading_o, core.reading_value_o, now);
    core.clk_i = 1;
    core.eval();
    if (fetches) code.take(fetch_at, machine.read(fetch_at));
    if (accesses && is_store) machine.write(at, word, lanes);
    if (accesses) data.take(is_store ? kDebug : at, is_store ? 0 : machine.read(at));
    core.instr_rvalid_i = code.answers();
    core.instr_rdata_i = code.data();
    core.data_rvalid_i = data.answers();
    core.data_rdata_i = data.data();
  }
  core.final();
  return machine.exit_code();
}

}  // namespace

double sc_time_stamp() { return 0; }

int main(int count, char** arguments) {
  int code = simulate(parse(count, arguments));
  std::fflush(stdout);
  return code;
}
