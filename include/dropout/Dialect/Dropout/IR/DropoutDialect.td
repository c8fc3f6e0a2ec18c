//===- DropoutDialect.td - Dropout dialect definition ------*- tablegen -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_DIALECT_DROPOUT_IR_DROPOUTDIALECT_TD
#define DROPOUT_DIALECT_DROPOUT_IR_DROPOUTDIALECT_TD

include "mlir/IR/OpBase.td"

def Dropout_Dialect : Dialect {
  let name = "dropout";
  let cppNamespace = "::mlir::dropout";
  let summary = "Dropout whose mask is a pure function of its position";
  let description = [{
    Element, channel, alpha and feature-alpha dropout, their gradients and their
    masks. The keep mask is a pure function of (seed, offset, logical element
    index, p): the same bits for every lowering, tile, vector width, thread
    count, fusion decision, memory layout, shard and device, in forward and in
    backward. No mask is stored: backward regenerates it.

    ### Mask contract, version 1

    The generator is Philox4x32-R (Salmon et al., "Parallel random numbers: as
    easy as 1, 2, 3", SC'11), R = `rounds`, key = (lo32(`seed`), hi32(`seed`)).
    With `i` the 64-bit row-major index of an element **in the whole logical
    mask**, never in a tile or a shard:

    ```
    block(b) = Philox4x32-R(counter = (lo32(b), hi32(b), lo32(offset), hi32(offset)), key)
    H(i)     = halfword i mod 8 of block(i div 8)             // low half of word 0 first
    L(i)     = halfword i mod 8 of block((i div 8) | 2^63)
    u(i)     = H(i) * 2^16 + L(i)
    T(p)     = roundeven(p * 2^32) in f64, clamped to [1, 2^32 - 1] when 0 < p < 1
    element i is kept iff u(i) >= T(p)
    ```

    With `resolution = 8` the draw is byte `i mod 16` of `block(i div 16)`, the
    element is kept iff it is >= k = roundeven(256 p), and every constant uses
    p = k/256.

    An op in training mode takes exactly one offset, whatever its shape, p or
    lowering; an op in eval mode takes none. `fork(name, rank)` of a generator
    gives seed' = words 0 and 1 (low first) of Philox4x32-10 with key = seed and
    counter = (rank | 2^62, FNV-1a-64 of the UTF-8 name), and offset' = 0.

    Known answers: keep bits (1 = kept) of 32 elements from element i on,
    computed by an independent program.

    | seed | offset | first i | p | rounds | resolution | keep bits |
    |---|---|---|---|---|---|---|
    | 0 | 0 | 0 | .5 | 10 | 16 | `10111111110001101000000011000100` |
    | 42 | 7 | 0 | .3 | 10 | 16 | `11011111111111101011111111111111` |
    | 0x0123456789abcdef | 0xfedcba9876543210 | 3 | .1 | 10 | 16 | `11111111111111111110111111111110` |
    | 42 | 7 | 2^35 - 5 | .3 | 10 | 16 | `11011011111111011101111110111111` |
    | 42 | 7 | 0 | .3 | 7 | 16 | `11111101010111010101111111010111` |
    | 42 | 7 | 0 | .3 | 10 | 8 | `01111011011111110111110111110110` |

    T(.3) = 0x4ccccccd. With seed 42, offset 7 and p .3 the first dropped ties
    are elements 7435, 94585 and 111642, the first kept one is 335507. The first
    2^20 elements as bytes 0 and 1: seed 42, offset 7, p .3: 733411 kept, CRC-32
    aa6eaa79; seed 1, offset 0, p .1: 944396, 8df1c9eb; seed 99, offset 12345,
    p .9: 104273, 735d90ed.

    The map from (version, seed, offset, i, p) to keep or drop never changes:
    another one would be another `contract_version`.

    ### Values

    |                               | kept           | dropped | eval or p = 0   | p = 1 |
    |-------------------------------|----------------|---------|-----------------|-------|
    | element, channel              | `x * s`        | +0      | x, bit for bit  | +0    |
    | alpha, feature_alpha          | `fma(a, x, b)` | d       | x, bit for bit  | +0    |
    | gradient of element, channel  | `dy * s`       | +0      | dy, bit for bit | +0    |
    | gradient of the alpha kinds   | `dy * a`       | +0      | dy, bit for bit | +0    |

    s = 1/(1-p); alpha' = -1.7580993408473768, q = 1-p,
    v = q + ((alpha' * alpha') * q) * p, a = 1/sqrt(v), b = -((a * p) * alpha'),
    d = a * alpha' + b, in f64 without contraction, rounded once to the compute
    type (f32 for f16, bf16 and f32; f64 for f64). Dropped values are selected,
    never multiplied: a NaN or an infinity at a dropped position does not leak.

    ### State

    `rng(%seed, %offset)` makes an op explicit and, on tensors, pure. Without it
    the op is implicit: it reads mode and generator from the runtime, and no
    pass folds, merges, moves or deletes it until `dropout-materialize-state`
    has made it explicit through `dropout.reserve`.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
    "::mlir::ub::UBDialect"
  ];
  let hasConstantMaterializer = 1;
  let hasCanonicalizer = 1;
  let hasRegionArgAttrVerify = 1;
  let extraClassDeclaration = [{
    /// Name of the unit attribute of a function argument that is a dropout
    /// probability: the entry point checks it before anything is drawn.
    static constexpr ::llvm::StringLiteral kProbabilityArgAttrName =
        "dropout.probability";
  }];
}

#endif // DROPOUT_DIALECT_DROPOUT_IR_DROPOUTDIALECT_TD
