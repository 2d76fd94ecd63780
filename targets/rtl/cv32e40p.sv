// CV32E40P as the bench sees it: two memory ports, a debug request, and readings of the counter of instructions.
//
// `reading_o` is high in the cycles in which an instruction that reads `minstret` is executed; `reading_value_o` is
// what it reads in the last of them. The write that sets the counter to zero is no reading.
module core_top import cv32e40p_pkg::*; #(
  parameter int Pulp = 1
) (
  input               clk_i,
  input               rst_ni,
  input        [31:0] boot_i,
  input        [31:0] debug_i,
  input               halt_i,
  output logic        instr_req_o,
  input               instr_gnt_i,
  input               instr_rvalid_i,
  output logic [31:0] instr_addr_o,
  input        [31:0] instr_rdata_i,
  output logic        data_req_o,
  input               data_gnt_i,
  input               data_rvalid_i,
  output logic        data_we_o,
  output logic [ 3:0] data_be_o,
  output logic [31:0] data_addr_o,
  output logic [31:0] data_wdata_o,
  input        [31:0] data_rdata_i,
  output logic        reading_o,
  output logic [31:0] reading_value_o
);
  cv32e40p_top #(.COREV_PULP (Pulp)) top (
    .clk_i, .rst_ni,
    .pulp_clock_en_i (1'b1), .scan_cg_en_i (1'b0), .fetch_enable_i (1'b1),
    .boot_addr_i (boot_i), .mtvec_addr_i (32'b0), .hart_id_i (32'b0),
    .dm_halt_addr_i (debug_i), .dm_exception_addr_i (debug_i), .debug_req_i (halt_i),
    .debug_havereset_o (), .debug_running_o (), .debug_halted_o (),
    .instr_req_o, .instr_gnt_i, .instr_rvalid_i, .instr_addr_o, .instr_rdata_i,
    .data_req_o, .data_gnt_i, .data_rvalid_i, .data_we_o, .data_be_o, .data_addr_o, .data_wdata_o, .data_rdata_i,
    .irq_i (32'b0), .irq_ack_o (), .irq_id_o (), .core_sleep_o ()
  );

  assign reading_o = top.core_i.csr_access_ex && top.core_i.csr_op == CSR_OP_READ &&
                     top.core_i.csr_addr == CSR_MINSTRET && top.core_i.csr_rdata != 0;
  assign reading_value_o = top.core_i.csr_rdata;
endmodule
