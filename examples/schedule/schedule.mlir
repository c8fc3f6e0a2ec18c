// How to run layer.mlir: one nest over tiles of 8 x 32 of the result holds everything, the
// matmul included, on vectors. All but two of the ops are upstream's.
//
//   dropout-opt layer.mlir --transform-preload-library=transform-library-paths=schedule.mlir \
//     --transform-interpreter | dropout-run - --input=x.npy ...
//
// gives the bits that layer.mlir gives without it.
!op = !transform.any_op
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op) {
    // Dropout is a mask and a select; the select pulls in all that it reads.
    %dropout = transform.structured.match ops{["dropout.element"]} in %root : (!op) -> !op
    %mask, %select = transform.dropout.decompose %dropout : (!op) -> (!op, !op)
    %tile, %loops:2 = transform.structured.fuse %select tile_sizes [8, 32] : (!op) -> (!op, !op, !op)

    // The mask goes into the select's body; what lies between the ops gets a tile's size.
    %f = transform.structured.match ops{["func.func"]} in %root : (!op) -> !op
    transform.apply_patterns to %f {
      transform.apply_patterns.dropout.inline_mask
      transform.apply_patterns.tensor.fold_tensor_empty
      transform.apply_patterns.canonicalization
    } : !op

    // Four steps of the reduction at a time; then all of it on vectors, the mask as well.
    %matmul = transform.structured.match ops{["linalg.matmul"]} in %f : (!op) -> !op
    %block, %k = transform.structured.tile_using_for %matmul tile_sizes [0, 0, 4] : (!op) -> (!op, !op)
    %vectors = transform.structured.vectorize_children_and_apply_patterns %f : (!op) -> !op
    transform.yield
  }
}
