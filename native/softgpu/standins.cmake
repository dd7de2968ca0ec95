# Stand-ins for NVIDIA's libraries above the driver, under the names by which Bytedeco's bindings look
# for them, all beside libcuda.so.1.
function(softgpu_library target name version)
  add_library(${target} SHARED ${ARGN})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} SOVERSION ${version} BUILD_RPATH_USE_ORIGIN ON
                        INSTALL_RPATH "$ORIGIN" BUILD_WITH_INSTALL_RPATH ON)
  add_dependencies(softgpu_libraries ${target})
endfunction()

add_custom_target(softgpu_libraries DEPENDS cuda)

file(GLOB SOFTGPU_CUDNN CONFIGURE_DEPENDS cudnn/*.cpp)
softgpu_library(cudnn cudnn 9 ${SOFTGPU_CUDNN})
set_source_files_properties(${SOFTGPU_CUDNN} PROPERTIES COMPILE_OPTIONS "-O3;-mavx2;-mfma;-mf16c")
file(GLOB SOFTGPU_NCCL CONFIGURE_DEPENDS nccl/*.cpp)
softgpu_library(nccl nccl 2 ${SOFTGPU_NCCL})
set_source_files_properties(${SOFTGPU_NCCL} PROPERTIES COMPILE_OPTIONS "-O2;-mf16c")
foreach(target cudnn nccl)
  target_include_directories(${target} PRIVATE include src)
  target_link_libraries(${target} PRIVATE cuda Threads::Threads)
  target_link_options(${target} PRIVATE -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/${target}/exports.map)
  set_target_properties(${target} PROPERTIES LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${target}/exports.map)
  if(NOT SOFTGPU_SANITIZE)
    target_link_options(${target} PRIVATE -Wl,--no-undefined)
  endif()
endforeach()

foreach(name cudart cublas cublasLt)
  softgpu_library(${name} ${name} 12 empty.cpp)
endforeach()
foreach(part graph ops cnn adv)
  softgpu_library(cudnn_${part} cudnn_${part} 9 empty.cpp)
  target_link_libraries(cudnn_${part} PRIVATE -Wl,--no-as-needed cudnn)
endforeach()
