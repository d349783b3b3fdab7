# Tests of the whole tree and of the whole program, beside the unit tests: layers, README, samples, peers.

add_test(NAME layering COMMAND ${CMAKE_COMMAND} -D SOURCE_DIR=${PROJECT_SOURCE_DIR} -P ${CMAKE_CURRENT_LIST_DIR}/layering.cmake)
add_test(NAME layering_refuses
         COMMAND ${CMAKE_COMMAND} -D LAYERING=${CMAKE_CURRENT_LIST_DIR}/layering.cmake
                 -D WORK=${CMAKE_CURRENT_BINARY_DIR}/layering_refuses -P ${CMAKE_CURRENT_LIST_DIR}/layering_refuses.cmake)
add_test(NAME readme.commands COMMAND ${CMAKE_CURRENT_LIST_DIR}/readme/check_commands.sh ${PROJECT_SOURCE_DIR})

if(TARGET heapql)
  set(heapql $<TARGET_FILE:heapql>)
  add_test(NAME readme.session COMMAND ${CMAKE_CURRENT_LIST_DIR}/readme/check_session.sh ${heapql} ${PROJECT_SOURCE_DIR})

  # Commands and the exact text they print.
  file(GLOB golden CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/golden/*/run)
  foreach(run IN LISTS golden)
    cmake_path(GET run PARENT_PATH case)
    cmake_path(GET case FILENAME name)
    add_test(NAME golden.${name} COMMAND ${CMAKE_CURRENT_LIST_DIR}/golden/run_case.sh ${heapql} ${case})
  endforeach()

  # The checked-in dumps, always.
  file(GLOB truths CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/samples/truth/*.json)
  foreach(truth IN LISTS truths)
    cmake_path(GET truth STEM name)
    add_test(NAME samples.${name} COMMAND ${CMAKE_CURRENT_LIST_DIR}/samples/check_sample.sh ${heapql}
             ${PROJECT_SOURCE_DIR}/samples/dumps/${name}.hprof.zst ${truth})
  endforeach()

  # Native programs built here, where the kernel or gcore makes a core of them; every allocation is compared with a log.
  foreach(build checked-in plain stripped static pie libcxx gcore optimized)
    add_test(NAME samples.native.${build} COMMAND ${CMAKE_CURRENT_LIST_DIR}/samples/native_samples.sh ${heapql} ${build})
    set_tests_properties(samples.native.${build} PROPERTIES SKIP_RETURN_CODE 77)
  endforeach()
  foreach(allocator jemalloc tcmalloc_minimal mimalloc)
    add_test(NAME peer.native.${allocator}
             COMMAND ${CMAKE_CURRENT_LIST_DIR}/samples/native_samples.sh ${heapql} plain ${allocator})
    set_tests_properties(peer.native.${allocator} PROPERTIES LABELS peer SKIP_RETURN_CODE 77)
  endforeach()

  # One program through every recorder of allocations that is here: all must say what it counts itself.
  foreach(recorder checked-in mtrace valgrind-trace dhat massif memcheck memcheck-text xtree heaptrack heaptrack-raw lsan gperftools jemalloc)
    add_test(NAME samples.traced.${recorder}
             COMMAND ${CMAKE_CURRENT_LIST_DIR}/samples/traced_samples.sh ${heapql} ${recorder})
    set_tests_properties(samples.traced.${recorder} PROPERTIES SKIP_RETURN_CODE 77)
  endforeach()

  # Programs that nobody here wrote: heapql must say what the recorder itself says of its recording. A few of them; all by
  # hand.
  foreach(recorder checked-in published mtrace valgrind-trace dhat massif memcheck memcheck-text xtree xtree-leak heaptrack
                   lsan gperftools jemalloc jfr)
    add_test(NAME samples.outside.${recorder}
             COMMAND ${CMAKE_CURRENT_LIST_DIR}/samples/outside_programs.sh ${heapql} ${recorder}
                     sqlite3 tar dpkg-query python3)
    set_tests_properties(samples.outside.${recorder} PROPERTIES SKIP_RETURN_CODE 77)
  endforeach()

  # Fresh dumps, where there is a JDK; and other programs' numbers, where they are.
  foreach(name ForgottenListeners UnboundedCache FinalizerCycle ClassLoaderLeak ThreadLocalLeak MillionNodeList GarbageInDump)
    add_test(NAME peer.fresh.${name} COMMAND ${CMAKE_CURRENT_LIST_DIR}/peer/fresh_dump.sh ${heapql} ${name})
    set_tests_properties(peer.fresh.${name} PROPERTIES LABELS peer SKIP_RETURN_CODE 77)
  endforeach()
  add_test(NAME peer.gdb COMMAND ${CMAKE_CURRENT_LIST_DIR}/peer/compare_gdb.sh ${heapql})
  set_tests_properties(peer.gdb PROPERTIES LABELS peer SKIP_RETURN_CODE 77 TIMEOUT 600)
  add_test(NAME peer.mat COMMAND ${CMAKE_CURRENT_LIST_DIR}/peer/compare_mat.sh ${heapql})
  set_tests_properties(peer.mat PROPERTIES LABELS peer SKIP_RETURN_CODE 77 TIMEOUT 1200)
  add_test(NAME peer.traces COMMAND ${CMAKE_CURRENT_LIST_DIR}/peer/compare_traces.sh ${heapql})
  set_tests_properties(peer.traces PROPERTIES LABELS peer SKIP_RETURN_CODE 77 TIMEOUT 1200)
  add_test(NAME peer.traces_refuses COMMAND ${CMAKE_CURRENT_LIST_DIR}/peer/compare_traces_refuses.sh)
  set_tests_properties(peer.traces_refuses PROPERTIES LABELS peer)
endif()
