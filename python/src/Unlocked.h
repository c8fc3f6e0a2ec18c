//===- Unlocked.h - Without the interpreter's lock --------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_PYTHON_UNLOCKED_H
#define DROPOUT_PYTHON_UNLOCKED_H

#include <Python.h>
#include <unistd.h>

namespace dropout::python {

/// Gives the interpreter's lock away as long as it lives.
class Unlocked {
public:
  Unlocked() : thread(PyEval_SaveThread()) {}
  ~Unlocked() {
    // An interpreter that ends does not give the lock to a daemon thread again:
    // before Python 3.14 it unwinds the thread's stack instead, and aborts the
    // process where C++ does not let that through, as here. The thread waits
    // for the end of the process, as it does from 3.14 on.
    try {
      PyEval_RestoreThread(thread);
    } catch (...) {
      for (;;)
        pause();
    }
  }
  Unlocked(const Unlocked &) = delete;
  Unlocked &operator=(const Unlocked &) = delete;

private:
  PyThreadState *thread;
};

} // namespace dropout::python

#endif // DROPOUT_PYTHON_UNLOCKED_H
