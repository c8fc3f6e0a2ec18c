//===- Passes.td - Passes on the dropout dialect -----------*- tablegen -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_DIALECT_DROPOUT_TRANSFORMS_PASSES_TD
#define DROPOUT_DIALECT_DROPOUT_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def MaterializeStatePass : Pass<"dropout-materialize-state"> {
  let summary = "Make implicit dropout ops explicit through dropout.reserve";
  let description = [{
    Every op that reads mode and generator from the runtime gets a
    `dropout.reserve` in front of it, whose results become its flag, seed and
    offset. Ops are visited in program order, so each takes the offset that it
    would have taken.

    ```mlir
    %y = dropout.element %x p = 0.3 : tensor<4x8xf32>
    ```
    becomes
    ```mlir
    %t, %s, %o = dropout.reserve
    %y = dropout.element %x p = 0.3 rng(%s, %o) training(%t) : tensor<4x8xf32>
    ```

    Masks, values and the number of offsets taken stay the same. Explicit ops
    are left alone.
  }];
  let dependentDialects = ["::mlir::dropout::DropoutDialect"];
}

def SpecializeModePass : Pass<"dropout-specialize-mode"> {
  let summary = "Fix train or eval mode at compile time";
  let description = [{
    With `mode=eval` every implicit op without a `training` flag of its own is
    replaced by its operand (in the memref form by a copy to the destination,
    by nothing if that is the operand), and takes no offset. With `mode=train`
    it gets `training(%true)`. Ops that state their own flag, and explicit
    ones, are left alone. `dropout.reserve` without a flag gets the constant.
  }];
  let options = [
    Option<"mode", "mode", "std::string", /*default=*/"\"train\"",
           "The mode: train or eval">
  ];
  let dependentDialects = ["::mlir::dropout::DropoutDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def CheckProbabilitiesPass : Pass<"dropout-check-probabilities"> {
  let summary = "Check every p that is known only at run time";
  let description = [{
    Inserts a `dropout.check_p` behind the definition of every p operand, at the
    top of the function for an argument, and makes the ops use its result.
    Arguments get the attribute `dropout.probability`: the entry point that the
    pipelines build checks them before anything is drawn or written. A
    `gpu.func` is left alone: the host checks what it passes.
  }];
  let dependentDialects = ["::mlir::dropout::DropoutDialect"];
}

def BuildBackwardPass : Pass<"dropout-build-backward", "::mlir::ModuleOp"> {
  let summary = "Build the gradient function of a function";
  let description = [{
    Adds `@<name>_backward` for each function named in `functions`; by default
    for every public function that holds a dropout op and has no gradient yet.
    The function is straight-line code of explicit dropout ops on tensors,
    `dropout.reserve`, `dropout.check_p`, element-wise arith and math ops, and
    linalg ops whose loops are all parallel: named ones, and generics with
    bodies of such scalar ops. Anything that does not depend on a tensor
    argument, and has no effects, is a constant and may be any op.

    The forward function is changed in place. Behind its own results it returns
    what the gradient needs: of each dropout op, in program order, its training
    flag, seed, offset and run-time p (the checked one), and each result of a
    `dropout.reserve` that is used; every value once, be it computed, an argument
    or a constant. No mask and no activation is returned. Calls of the function
    in the module take the new results and ignore them.

    The gradient function takes the gradients of the results that are
    floating-point tensors, then the forward's arguments, then those values. It
    returns the gradients of the arguments that are floating-point tensors, zeros
    where nothing depends on one. Scalar arguments get no gradient. It computes
    the forward's values again, masks included, which the same seed and offset
    make exact.

    ```mlir
    func.func @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
      %t, %s, %o = dropout.reserve
      %y = dropout.alpha %x p = 0.3 rng(%s, %o) training(%t) : tensor<4x8xf32>
      return %y : tensor<4x8xf32>
    }
    ```
    becomes
    ```mlir
    func.func @f(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, i1, i64, i64)
        attributes {dropout.gradient = @f_backward} {
      %t, %s, %o = dropout.reserve
      %y = dropout.alpha %x p = 0.3 rng(%s, %o) training(%t) : tensor<4x8xf32>
      return %y, %t, %s, %o : tensor<4x8xf32>, i1, i64, i64
    }
    func.func @f_backward(%dy: tensor<4x8xf32>, %x: tensor<4x8xf32>,
                          %t: i1, %s: i64, %o: i64) -> tensor<4x8xf32> {
      %dx = dropout.backward alpha %dy p = 0.3 rng(%s, %o) training(%t) : tensor<4x8xf32>
      return %dx : tensor<4x8xf32>
    }
    ```

    - The gradient of an operand that a linalg op broadcasts is a sum over the
      loops that it lacks, of f16 and bf16 in f32.
    - A gradient that is zero stays zero, whatever the derivative is: infinities
      and NaNs at dropped positions, and in the branch that a select does not
      take, do not leak.
    - Where a maximum or minimum ties, the operand that is not differentiated
      takes the gradient, so that relu has slope 0 at 0; of two differentiated
      ones, the second. The slope of absf at 0 is 0.

    Anything else is refused with an error at its place that says what to do,
    and then nothing is changed: implicit ops (`dropout-materialize-state` makes
    them explicit), the memref form, ops that reduce such as `linalg.matmul`,
    calls, control flow, second derivatives.
  }];
  let options = [
    ListOption<"functions", "functions", "std::string",
               "Names of the functions to differentiate">
  ];
  let dependentDialects = [
    "::mlir::dropout::DropoutDialect", "::mlir::arith::ArithDialect",
    "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
}

def VerifyLoweredPass : Pass<"dropout-verify-lowered"> {
  let summary = "Report every dropout op that no lowering has taken";
  let description = [{
    The pipelines run it behind the lowerings. A dropout op that is still there
    is an error at its place that names the pass that lowers it; only
    `dropout.reserve` and `dropout.check_p` stay, for convert-dropout-to-llvm.
  }];
}

#endif // DROPOUT_DIALECT_DROPOUT_TRANSFORMS_PASSES_TD
