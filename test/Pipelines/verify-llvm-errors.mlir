// RUN: dropout-opt %s --dropout-verify-llvm --verify-diagnostics

llvm.func @fine() {
  llvm.return
}

// expected-error @+1 {{expected an op that can be lowered to LLVM, but got 'func.func'}}
func.func @func() {
  return
}

llvm.func @body(%x: f32) -> f32 {
  // expected-error @+1 {{expected an op that can be lowered to LLVM, but got 'math.sin'}}
  %0 = math.sin %x : f32
  llvm.return %0 : f32
}
