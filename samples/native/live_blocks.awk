# Replays a log of malloc_log.c: prints "ADDRESS,SIZE" of every block that is live at its end.
$1 == "+" { live[$2] = $3 }
$1 == "-" { delete live[$2] }
END { for (address in live) print address "," live[address] }
