// An 8-bit ALU with an accumulator, small enough to synthesise in a test.
module alu (
    input  wire       clk,
    input  wire       rst,
    input  wire [2:0] op,
    input  wire [7:0] b,
    output reg  [7:0] acc,
    output reg        carry,
    output wire       zero
);
    assign zero = acc == 8'd0;

    wire [8:0] sum  = {1'b0, acc} + {1'b0, b};
    wire [8:0] diff = {1'b0, acc} - {1'b0, b};
    wire [7:0] turn = (acc << b[2:0]) | (acc >> (4'd8 - {1'b0, b[2:0]}));

    always @(posedge clk)
        if (rst) begin
            acc   <= 8'd0;
            carry <= 1'b0;
        end else case (op)
            3'd0: acc <= b;
            3'd1: {carry, acc} <= sum;
            3'd2: {carry, acc} <= diff;
            3'd3: acc <= acc & b;
            3'd4: acc <= acc | b;
            3'd5: acc <= acc ^ b;
            3'd6: acc <= turn;
            3'd7: acc <= acc * b;
        endcase
endmodule
