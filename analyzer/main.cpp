// heapql: leak suspects, SQL and an exit code from a heap dump.
#include "analyzer/commands/program.h"

int main(int argc, char** argv) { return analyzer::run_program({argv + 1, argv + argc}); }
