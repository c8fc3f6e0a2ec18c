// dropout(relu(x w + bias)), as a model writes it: nothing here says how to run it.
#row = affine_map<(i, j) -> (j)>
#all = affine_map<(i, j) -> (i, j)>
func.func @layer(%x: tensor<64x96xf32>, %w: tensor<96x128xf32>, %bias: tensor<128xf32>, %seed: i64, %offset: i64) -> tensor<64x128xf32> {
  %zero = arith.constant 0.0 : f32
  %new = tensor.empty() : tensor<64x128xf32>
  %clear = linalg.fill ins(%zero : f32) outs(%new : tensor<64x128xf32>) -> tensor<64x128xf32>
  %h = linalg.matmul ins(%x, %w : tensor<64x96xf32>, tensor<96x128xf32>) outs(%clear : tensor<64x128xf32>) -> tensor<64x128xf32>
  %relu = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%h, %bias : tensor<64x128xf32>, tensor<128xf32>) outs(%new : tensor<64x128xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %sum = arith.addf %a, %b : f32
    %r = arith.maximumf %sum, %zero : f32
    linalg.yield %r : f32
  } -> tensor<64x128xf32>
  %y = dropout.element %relu p = 0.1 rng(%seed, %offset) : tensor<64x128xf32>
  return %y : tensor<64x128xf32>
}
