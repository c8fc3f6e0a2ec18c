//===- Plan.cpp - A call as a kernel sees it ------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Plan.h"
#include "CallChecks.h"

using namespace mlir;
using namespace mlir::dropout;

/// The kind with the values of the call's and a draw for each element.
static KernelKind getElementKind(const KernelCall &call) {
  if (call.operation == KernelOperation::Mask)
    return KernelKind::Element;
  return call.kind == KernelKind::Element || call.kind == KernelKind::Channel
             ? KernelKind::Element
             : KernelKind::Alpha;
}

/// The kind with the same values and mask dims.
static KernelKind getChannelKind(const KernelCall &call) {
  return getElementKind(call) == KernelKind::Element ? KernelKind::Channel
                                                     : KernelKind::FeatureAlpha;
}

/// Whether \p inner, the dim after \p outer, continues it for both arrays and
/// for the mask.
static bool isContinued(const PlanDim &outer, const PlanDim &inner) {
  bool single = outer.size == 1;
  // Strides of callers may be any number: these products wrap.
  auto follows = [&](int64_t outerStride, int64_t innerStride) {
    return uint64_t(outerStride) ==
           uint64_t(innerStride) * uint64_t(inner.size);
  };
  if (!single && !(follows(outer.sourceStride, inner.sourceStride) &&
                   follows(outer.destinationStride, inner.destinationStride)))
    return false;
  if (outer.maskOrder < 0 || inner.maskOrder < 0)
    return outer.maskOrder == inner.maskOrder;
  return inner.maskOrder == outer.maskOrder + 1 &&
         (single || (inner.position == 0 && inner.size == inner.full));
}

static void mergeDims(SmallVectorImpl<PlanDim> &dims) {
  size_t last = 0;
  for (size_t next = 1; next < dims.size(); ++next) {
    PlanDim &outer = dims[last];
    const PlanDim &inner = dims[next];
    if (!isContinued(outer, inner)) {
      dims[++last] = inner;
      continue;
    }
    outer.position = outer.position * inner.full + inner.position;
    outer.full *= inner.full;
    outer.size *= inner.size;
    outer.sourceStride = inner.sourceStride;
    outer.destinationStride = inner.destinationStride;
    // Mask orders of dims that went leave gaps, which `renumber` closes.
    outer.maskOrder = inner.maskOrder;
  }
  dims.truncate(last + 1);
}

/// Makes the mask orders 0, 1, ...
static void renumber(SmallVectorImpl<PlanDim> &dims) {
  SmallVector<PlanDim *, 6> masked;
  for (PlanDim &dim : dims)
    if (dim.maskOrder >= 0)
      masked.push_back(&dim);
  llvm::sort(masked, [](const PlanDim *a, const PlanDim *b) {
    return a->maskOrder < b->maskOrder;
  });
  for (auto [order, dim] : llvm::enumerate(masked))
    dim->maskOrder = int64_t(order);
}

llvm::Expected<Plan> mlir::dropout::makePlan(const KernelCall &call) {
  Plan plan;
  bool isMask = call.operation == KernelOperation::Mask;
  const StridedArray &y = call.destination;
  const StridedArray &x = isMask ? y : call.source;
  bool channels = !isMask && hasChannels(call.kind);
  for (auto [index, size] : llvm::enumerate(y.shape)) {
    plan.numElements *= size;
    int64_t order = channels && index > 1 ? -1 : int64_t(index);
    if (call.maskDims) {
      const auto *at = llvm::find(*call.maskDims, int64_t(index));
      order = at == call.maskDims->end() ? -1 : at - call.maskDims->begin();
    }
    bool slice = order >= 0 && !call.position.empty();
    int64_t position = slice ? call.position[index] : 0;
    int64_t full = slice ? call.fullShape[index] : size;
    // A dim of size 1 is nothing to walk; it matters if it moves the index.
    if (size == 1 && (order < 0 || full == 1))
      continue;
    plan.dims.push_back(
        {size, x.strides[index], y.strides[index], position, full, order});
  }
  if (plan.numElements == 0)
    return plan;
  renumber(plan.dims);
  if (!plan.dims.empty()) {
    mergeDims(plan.dims);
    renumber(plan.dims);
    // Loops go through memory in its order, whatever the order of the dims:
    // channels last in memory only is walked as if it were stated.
    auto isOuter = [](const PlanDim &a, const PlanDim &b) {
      return getMagnitude(a.destinationStride) >
             getMagnitude(b.destinationStride);
    };
    for (auto *dim = plan.dims.begin(); dim != plan.dims.end(); ++dim)
      std::rotate(std::upper_bound(plan.dims.begin(), dim, *dim, isOuter), dim,
                  dim + 1);
    mergeDims(plan.dims);
  } else {
    // One element: the first of its mask, or of a mask of one draw.
    plan.dims.push_back(
        {1, 1, 1, 0, 1,
         call.maskDims && call.maskDims->empty() ? int64_t(-1) : int64_t(0)});
  }
  renumber(plan.dims);
  if (plan.dims.size() > kMaxKernelRank)
    return refuseCall(
        "expected " + StringRef(isMask ? "out" : "x") + " to have at most " +
        Twine(kMaxKernelRank) +
        " dims that memory and mask do not walk as one, but got " +
        Twine(plan.dims.size()));

  // A dim that walks its single element has any stride.
  for (PlanDim &dim : plan.dims)
    if (dim.size == 1)
      dim.sourceStride = dim.destinationStride = 1;
  plan.isContiguous = plan.dims.size() == 1 && plan.dims[0].sourceStride == 1 &&
                      plan.dims[0].destinationStride == 1;
  // Channel dropout of which every dim indexes the mask in order is element
  // dropout, and shares its kernels.
  SmallVector<int64_t, 6> orders;
  for (const PlanDim &dim : plan.dims)
    orders.push_back(dim.maskOrder);
  bool inOrder = true;
  for (auto [index, order] : llvm::enumerate(orders))
    inOrder &= order == int64_t(index);
  plan.kind = inOrder ? getElementKind(call) : getChannelKind(call);
  plan.key = makeKernelKey(call, plan.kind, plan.isContiguous, orders);
  return plan;
}
