// Forward and gradient of element dropout: the same mask, drawn twice.
func.func @step(%seed: i64, %offset: i64) -> (tensor<8xf32>, tensor<8xf32>) {
  %x = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>
  %dy = arith.constant dense<1.0> : tensor<8xf32>
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<8xf32>
  %dx = dropout.backward element %dy p = 0.5 rng(%seed, %offset) : tensor<8xf32>
  return %y, %dx : tensor<8xf32>, tensor<8xf32>
}
