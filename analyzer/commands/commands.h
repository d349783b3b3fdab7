// Every command, each defined in the file of its name. Listed in command_table.cpp.
#pragma once

#include "analyzer/commands/command.h"

namespace analyzer {

extern const Command analyze_command;
extern const Command import_command;
extern const Command info_command;
extern const Command report_command;
extern const Command query_command;
extern const Command shell_command;
extern const Command path_command;
extern const Command diff_command;
extern const Command export_command;
extern const Command trend_command;
extern const Command check_command;
extern const Command formats_command;
extern const Command completion_command;
extern const Command help_command;

}  // namespace analyzer
