func.func @f(%x: memref<?xf32>, %y: memref<?xf32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.1 rng(%s, %o) : memref<?xf32>, memref<?xf32>
  return
}
