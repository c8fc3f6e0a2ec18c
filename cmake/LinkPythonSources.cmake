#===- LinkPythonSources.cmake - The Python package in the build tree ------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===//
#
# cmake -DSOURCE=DIR -DDESTINATION=DIR -P LinkPythonSources.cmake
#
# Makes DESTINATION a tree of links to the Python files of SOURCE, and removes
# links to files that are gone.
#
#===----------------------------------------------------------------------===//

file(GLOB_RECURSE _links RELATIVE ${DESTINATION} ${DESTINATION}/*)
foreach(_link IN LISTS _links)
  if(IS_SYMLINK ${DESTINATION}/${_link} AND NOT EXISTS ${DESTINATION}/${_link})
    file(REMOVE ${DESTINATION}/${_link})
  endif()
endforeach()

file(GLOB_RECURSE _sources RELATIVE ${SOURCE} ${SOURCE}/*.py ${SOURCE}/*.pyi ${SOURCE}/py.typed)
foreach(_source IN LISTS _sources)
  get_filename_component(_directory ${DESTINATION}/${_source} DIRECTORY)
  file(MAKE_DIRECTORY ${_directory})
  file(CREATE_LINK ${SOURCE}/${_source} ${DESTINATION}/${_source} SYMBOLIC)
endforeach()
