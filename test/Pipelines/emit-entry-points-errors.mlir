// RUN: dropout-opt %s --dropout-emit-entry-points --verify-diagnostics --split-input-file

// expected-error @+1 {{expected the name @dropout_f of the entry point to be free}}
func.func @f() {
  return
}
// expected-note @+1 {{it is taken here}}
func.func @dropout_f() {
  return
}

// -----

// expected-note @+1 {{it is taken here}}
func.func @"a.b"() {
  return
}
// expected-error @+1 {{expected the name @dropout_a_b of the entry point to be free}}
func.func @a_b() {
  return
}

// -----

// expected-error @+1 {{expected argument #0, a dropout probability, to be a float, but got 'i64'}}
func.func @f(%p: i64 {dropout.probability}) {
  return
}

// -----

// expected-error @+1 {{expected @dropoutClearStatus to be the function of the runtime}}
func.func @f() {
  return
}
llvm.func @dropoutClearStatus(i32)
