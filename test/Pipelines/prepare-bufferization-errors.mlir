// RUN: dropout-opt %s --dropout-prepare-bufferization --verify-diagnostics

func.func private @callee() -> memref<4xf32>

func.func @freed_twice() {
  // expected-note @+1 {{the call is here}}
  %0 = call @callee() : () -> memref<4xf32>
  // expected-error @+1 {{expected memref.dealloc of memory that this function allocates, but got the result of a call, which is freed automatically}}
  memref.dealloc %0 : memref<4xf32>
  return
}
