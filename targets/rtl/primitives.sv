// The cells that Ibex expects from a technology library, for simulation.

// Wire that synthesis must keep.
module prim_buf #(parameter int Width = 1) (
  input        [Width-1:0] in_i,
  output logic [Width-1:0] out_o
);
  assign out_o = in_i;
endmodule

// Register with a reset value.
module prim_flop #(parameter int Width = 1, parameter logic [Width-1:0] ResetValue = 0) (
  input                    clk_i,
  input                    rst_ni,
  input        [Width-1:0] d_i,
  output logic [Width-1:0] q_o
);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) q_o <= ResetValue;
    else q_o <= d_i;
  end
endmodule

// Clock that stands still while it is not enabled; a latch keeps the enable while the clock is high.
module prim_clock_gating #(parameter bit NoFpgaGate = 0, parameter bit FpgaBufGlobal = 1) (
  input        clk_i,
  input        en_i,
  input        test_en_i,
  output logic clk_o
);
  logic is_on /*verilator clock_enable*/;
  always_latch if (!clk_i) is_on = en_i | test_en_i;
  assign clk_o = is_on & clk_i;
endmodule
