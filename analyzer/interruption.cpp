#include "analyzer/interruption.h"

#include <unistd.h>

#include <climits>
#include <csignal>
#include <cstring>
#include <iterator>

namespace analyzer {
namespace {

constexpr int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

// What a signal handler can reach: fixed memory, written before the count that makes it visible.
struct sigaction former[std::size(handled)];
char doomed[8][PATH_MAX];
volatile std::sig_atomic_t doomed_count = 0;

void remove_and_exit(int signal) {
  for (int i = 0; i < doomed_count; ++i) unlink(doomed[i]);
  for (int i = 0; i < doomed_count; ++i) rmdir(doomed[i]);
  constexpr char clear_line[] = "\r\x1b[K";
  if (isatty(STDERR_FILENO) == 1 && write(STDERR_FILENO, clear_line, sizeof clear_line - 1) < 0) _exit(128 + signal);
  _exit(128 + signal);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  doomed_count = 0;
  struct sigaction action {};
  action.sa_handler = remove_and_exit;
  sigfillset(&action.sa_mask);
  for (std::size_t i = 0; i < std::size(handled); ++i) {
    sigaction(handled[i], nullptr, &former[i]);
    // `nohup heapql …`: an ignored signal stays ignored.
    if (former[i].sa_handler != SIG_IGN) sigaction(handled[i], &action, nullptr);
  }
}

InterruptGuard::~InterruptGuard() {
  for (std::size_t i = 0; i < std::size(handled); ++i) sigaction(handled[i], &former[i], nullptr);
  doomed_count = 0;
}

void InterruptGuard::remove_on_interrupt(const std::string& path) {
  const int at = doomed_count;
  if (static_cast<std::size_t>(at) >= std::size(doomed) || path.size() >= PATH_MAX) return;
  std::memcpy(doomed[at], path.c_str(), path.size() + 1);
  doomed_count = at + 1;
}

}  // namespace analyzer
