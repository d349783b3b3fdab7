// What a fuzz target defines. The driver, libFuzzer's or replay_main.cpp, calls it with a heap block of exactly the
// input's size, so that a sanitizer sees the first byte read too far.
#pragma once

#include "formats/bytes.h"

/// Reads `input` through the code under test. Anything but returning (crash, trap, sanitizer report) is a finding.
void fuzz(formats::Bytes input);
