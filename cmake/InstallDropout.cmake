#===- InstallDropout.cmake - Install tree and CMake package ---------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===//
#
# After `cmake --install`, find_package(Dropout) gives the targets Dropout::*
# under the names that add_subdirectory gives them, too.
#
#===----------------------------------------------------------------------===//

get_property(_dropout_libraries GLOBAL PROPERTY DROPOUT_LIBRARIES)
foreach(_library ${_dropout_libraries} DropoutC DropoutRuntime DropoutRuntimeStatic)
  add_library(Dropout::${_library} ALIAS ${_library})
endforeach()

set(_dropout_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Dropout)
# LLVM's libraries are found where they were at build time, or where the loader
# looks anyway; Debian's prefix is none of its folders.
set_property(TARGET DropoutC PROPERTY INSTALL_RPATH "$ORIGIN" "${LLVM_LIBRARY_DIR}")
install(TARGETS ${_dropout_libraries} DropoutC DropoutRuntime DropoutRuntimeStatic
  EXPORT DropoutTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT DropoutTargets NAMESPACE Dropout:: DESTINATION ${_dropout_package_dir})
install(DIRECTORY ${DROPOUT_SOURCE_DIR}/include/ ${DROPOUT_BINARY_DIR}/include/
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.inc"
  PATTERN "CMakeFiles" EXCLUDE)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/DropoutConfig.cmake.in
  ${CMAKE_BINARY_DIR}/cmake/DropoutConfig.cmake
  INSTALL_DESTINATION ${_dropout_package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cmake/DropoutConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/cmake/DropoutConfig.cmake
  ${CMAKE_BINARY_DIR}/cmake/DropoutConfigVersion.cmake
  DESTINATION ${_dropout_package_dir})
