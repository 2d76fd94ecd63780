// Ibex as the bench sees it: two memory ports, a debug request, and readings of the counter of instructions.
//
// `reading_o` is high in the cycle in which an instruction reads `minstret`; `reading_value_o` is what it reads.
module core_top import ibex_pkg::*; #(
  parameter int RV32M           = RV32MFast,
  parameter bit WritebackStage  = 1'b0,
  parameter bit BranchTargetALU = 1'b0
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
  ibex_top #(
    .RV32M           (rv32m_e'(RV32M)),
    .WritebackStage  (WritebackStage),
    .BranchTargetALU (BranchTargetALU)
  ) top (
    .clk_i, .rst_ni,
    .test_en_i (1'b0), .ram_cfg_i ('0), .scan_rst_ni (rst_ni),
    .hart_id_i (32'b0), .boot_addr_i (boot_i), .fetch_enable_i (IbexMuBiOn), .debug_req_i (halt_i),
    .instr_req_o, .instr_gnt_i, .instr_rvalid_i, .instr_addr_o, .instr_rdata_i,
    .instr_rdata_intg_i ('0), .instr_err_i (1'b0),
    .data_req_o, .data_gnt_i, .data_rvalid_i, .data_we_o, .data_be_o, .data_addr_o, .data_wdata_o, .data_rdata_i,
    .data_wdata_intg_o (), .data_rdata_intg_i ('0), .data_err_i (1'b0),
    .irq_software_i (1'b0), .irq_timer_i (1'b0), .irq_external_i (1'b0), .irq_fast_i ('0), .irq_nm_i (1'b0),
    .scramble_key_valid_i (1'b0), .scramble_key_i ('0), .scramble_nonce_i ('0), .scramble_req_o (),
    .crash_dump_o (), .double_fault_seen_o (),
    .alert_minor_o (), .alert_major_internal_o (), .alert_major_bus_o (), .core_sleep_o ()
  );

  // The debug module stands where the core's parameters put it.
  logic unused_debug;
  assign unused_debug = ^debug_i;

  assign reading_o = top.u_ibex_core.csr_op_en && top.u_ibex_core.csr_op == CSR_OP_READ &&
                     top.u_ibex_core.csr_addr == CSR_MINSTRET;
  assign reading_value_o = top.u_ibex_core.cs_registers_i.csr_rdata_o;
endmodule
