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

def MaterializeStatePass
    : InterfacePass<"dropout-materialize-state", "::mlir::FunctionOpInterface"> {
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

def SpecializeModePass
    : InterfacePass<"dropout-specialize-mode", "::mlir::FunctionOpInterface"> {
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

def CheckProbabilitiesPass
    : InterfacePass<"dropout-check-probabilities", "::mlir::FunctionOpInterface"> {
  let summary = "Check every p that is known only at run time";
  let description = [{
    Inserts a `dropout.check_p` behind the definition of every p operand, at the
    top of the function for an argument, and makes the ops use its result.
    Arguments get the attribute `dropout.probability`: the entry point that the
    pipelines build checks them before anything is drawn or written.
  }];
  let dependentDialects = ["::mlir::dropout::DropoutDialect"];
}

def BuildBackwardPass : Pass<"dropout-build-backward", "::mlir::ModuleOp"> {
  let summary = "Build the gradient function of a function";
  let description = [{
    For each function named in `functions` (by default every public function
    that holds a dropout op), made of dropout ops and element-wise arith, math
    and linalg ops on ranked tensors, adds `@<name>_backward`. The forward
    function returns, behind its own results, what the gradient needs: training
    flags, seeds, offsets and run-time p; no mask. The gradient function takes
    the gradients of the results, the forward's arguments and those values, and
    returns the gradients of the floating-point tensor arguments.

    An op whose gradient is not known, an implicit dropout op too, is refused
    with an error at its place that says what to do.
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
    The last pass of the pipelines before conversion to LLVM. A dropout op that
    is still there is an error at its place that names the pass that lowers it.
  }];
}

#endif // DROPOUT_DIALECT_DROPOUT_TRANSFORMS_PASSES_TD
