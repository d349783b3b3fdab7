# heapql.1 from heapql.1.in and what the program says of itself, so that the two cannot disagree.
#
#   cmake -D HEAPQL=program -D TEMPLATE=heapql.1.in -D OUTPUT=heapql.1 -D VERSION=… -P man_page.cmake
set(ENV{COLUMNS} 80)

function(roff text result)  # backslashes, hyphens that are typed, and lines that begin with a control character
  string(REPLACE "\\" "\\e" text "${text}")
  string(REPLACE "-" "\\-" text "${text}")
  string(REGEX REPLACE "(^|\n)([.'])" "\\1\\\\&\\2" text "${text}")
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

function(help result)
  execute_process(COMMAND ${HEAPQL} help ${ARGN} OUTPUT_VARIABLE text RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "heapql help ${ARGN}: exit status ${status}")
  endif()
  string(REPLACE ";" "\\;" text "${text}")
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

help(program)
string(REGEX MATCH "\nOptions of every command:\n(.*)\n\nExit status" _ "${program}")
roff("${CMAKE_MATCH_1}" OPTIONS)
string(REGEX MATCH "\nCommands:\n(.*)\n\nOptions of every command" _ "${program}")
string(REGEX MATCHALL "(^|\n)  [a-z]+ " names "${CMAKE_MATCH_1}")

set(COMMANDS "")
foreach(name IN LISTS names)
  string(STRIP "${name}" name)
  help(text ${name})
  string(REGEX REPLACE "\n+Options of every command:.*" "" text "${text}")
  string(REGEX REPLACE "^heapql [a-z]+ - ([^\n]*)\n+" "" text "${text}")
  set(summary "${CMAKE_MATCH_1}")
  roff("${text}" text)
  roff("${summary}" summary)
  string(APPEND COMMANDS ".SS heapql ${name}\n${summary}.\n.PP\n.nf\n${text}\n.fi\n")
endforeach()
string(REGEX REPLACE "\n$" "" COMMANDS "${COMMANDS}")
configure_file(${TEMPLATE} ${OUTPUT} @ONLY)
