# What `cmake --install` installs beside the program: its manual page and shell completions, made from what the program
# says of itself. (The SQLite extension is installed by queries/extension.cmake.)
set(pages ${CMAKE_CURRENT_BINARY_DIR}/heapql.1)
add_custom_command(
  OUTPUT ${pages}
  COMMAND ${CMAKE_COMMAND} -D HEAPQL=$<TARGET_FILE:heapql> -D TEMPLATE=${CMAKE_CURRENT_LIST_DIR}/heapql.1.in -D OUTPUT=${pages}
          -D VERSION=${PROJECT_VERSION} -P ${CMAKE_CURRENT_LIST_DIR}/man_page.cmake
  DEPENDS heapql ${CMAKE_CURRENT_LIST_DIR}/heapql.1.in ${CMAKE_CURRENT_LIST_DIR}/man_page.cmake
  VERBATIM)
install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

set(completions "")
foreach(shell bash zsh)
  set(file ${CMAKE_CURRENT_BINARY_DIR}/completion.${shell})
  add_custom_command(OUTPUT ${file} COMMAND heapql completion ${shell} > ${file} DEPENDS heapql VERBATIM)
  list(APPEND completions ${file})
endforeach()
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/completion.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME heapql)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/completion.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _heapql)
add_custom_target(documentation ALL DEPENDS ${pages} ${completions})
