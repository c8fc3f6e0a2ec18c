//===- DropoutLowering.h - What the lowerings of a dropout op share -------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_CONVERSION_UTILS_DROPOUTLOWERING_H
#define DROPOUT_CONVERSION_UTILS_DROPOUTLOWERING_H

#include "dropout/Conversion/Utils/KeepBitEmitter.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"

namespace mlir::dropout {

/// What the values of an op depend on besides x and the keep bit, computed once
/// per op, outside all loops.
struct ValueParameters {
  ValueMap map;
  Type elementType;
  /// i1, or null if the op is always active; else a result is x itself where
  /// it is false (eval, or p = 0).
  Value active;
  /// s or a, in the compute type.
  Value factor;
  /// b, in the compute type; ValueMap::Alpha only.
  Value summand;
  /// The value of dropped elements, in the element type.
  Value dropped;
};

/// Everything that a loop over an op's elements needs.
struct LoweringParameters {
  DrawParameters draw;
  ValueParameters value;
  /// The linear index of the element at index zero (index type or attribute)
  /// and the stride of each dim in the mask; 0 for dims that share a draw.
  OpFoldResult base;
  SmallVector<OpFoldResult> strides;
};

/// Emits the op's constants at the builder's insertion point. The op is
/// explicit. The threshold of a `dropout.mask` includes its training flag.
LoweringParameters emitLoweringParameters(OpBuilder &builder,
                                          DropoutOpInterface op);

/// The linear index (i64) in the mask of the element at `indices` (index type).
Value emitLinearIndex(OpBuilder &builder, Location loc,
                      const LoweringParameters &parameters, ValueRange indices);

/// y from x and the keep bit, as the value contract says.
Value emitValue(OpBuilder &builder, Location loc,
                const ValueParameters &parameters, Value x, Value keep);

/// The kinds that a `kinds` option names; all of them if it names none. A mask
/// is a kind of its own.
class KindFilter {
public:
  /// Fails with an error at `loc` if a name is not a kind.
  static FailureOr<KindFilter> parse(Location loc, ArrayRef<std::string> names);
  bool contains(DropoutOpInterface op) const;

private:
  SmallVector<Kind> kinds;
  bool masks = true;
};

/// Converts the dropout ops under `root` whose kind `kinds` names with the
/// patterns that `populate` adds. An op that `verify` refuses fails it before
/// anything changes. Told to convert some kinds only, it touches no other op.
LogicalResult convertKinds(
    Operation *root, ArrayRef<std::string> kinds,
    function_ref<LogicalResult(DropoutOpInterface)> verify,
    function_ref<void(RewritePatternSet &, const KindFilter &)> populate);

} // namespace mlir::dropout

#endif // DROPOUT_CONVERSION_UTILS_DROPOUTLOWERING_H
