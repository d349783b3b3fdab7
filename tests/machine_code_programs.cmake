# The programs that formats/machine_code_test.cpp decodes: one source, as compilers and linkers make different code of it.
# Built by GCC and Clang, whichever are here, without this build's sanitizers and options. --emit-relocs keeps what the linker knew.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(source ${CMAKE_CURRENT_LIST_DIR}/formats/machine_code_program.cpp)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/machine_code)
  file(MAKE_DIRECTORY ${folder})
  set(programs "")
  foreach(compiler g++ clang++)
    find_program(MACHINE_CODE_${compiler} ${compiler})
    if(NOT MACHINE_CODE_${compiler})
      continue()  # its tests are skipped
    endif()
    foreach(program
            "O0_pie -O0 -fPIE -pie -Wl,--emit-relocs"
            "O2_pie -O2 -fPIE -pie -Wl,--emit-relocs"
            "O0_fixed -O0 -fno-pie -no-pie -Wl,--emit-relocs"
            "O2_fixed -O2 -fno-pie -no-pie -Wl,--emit-relocs"
            "O2_stripped -O2 -fPIE -pie -s")
      separate_arguments(options UNIX_COMMAND ${program})
      list(POP_FRONT options name)
      set(built ${folder}/${compiler}_${name})
      add_custom_command(OUTPUT ${built}
                         COMMAND ${MACHINE_CODE_${compiler}} -std=c++20 ${options} ${source} -o ${built}
                         DEPENDS ${source} VERBATIM)
      list(APPEND programs ${built})
    endforeach()
  endforeach()
  add_custom_target(machine_code_programs DEPENDS ${programs})
  add_dependencies(formats_tests machine_code_programs)
  target_compile_definitions(formats_tests PRIVATE HEAPQL_MACHINE_CODE_PROGRAMS="${folder}")
endif()
