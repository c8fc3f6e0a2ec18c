//===- DropoutEnums.td - Enumerations of the dropout dialect -*- tablegen -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_DIALECT_DROPOUT_IR_DROPOUTENUMS_TD
#define DROPOUT_DIALECT_DROPOUT_IR_DROPOUTENUMS_TD

include "mlir/IR/EnumAttr.td"

/// The four kinds of dropout; each is the mnemonic of its value op.
def Dropout_Kind : I32EnumAttr<"Kind", "kind of dropout", [
    I32EnumAttrCase<"Element", 0, "element">,
    I32EnumAttrCase<"Channel", 1, "channel">,
    I32EnumAttrCase<"Alpha", 2, "alpha">,
    I32EnumAttrCase<"FeatureAlpha", 3, "feature_alpha">
  ]> {
  let cppNamespace = "::mlir::dropout";
}

#endif // DROPOUT_DIALECT_DROPOUT_IR_DROPOUTENUMS_TD
