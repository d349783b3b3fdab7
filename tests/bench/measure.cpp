// Runs a command and writes what it cost: measure OUT COMMAND [ARGUMENT...]
//
// OUT gets one line: CPU seconds (user + system, of the command alone), peak anonymous memory in KiB (the largest
// RssAnon + RssShmem of /proc/PID/status, looked at every 2 ms: memory beyond mapped files), wall seconds.
// Exit status: the command's.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

namespace {

/// 0 when the process is gone.
long anonymous_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  long total = 0;
  for (std::string line; std::getline(status, line);) {
    for (const char* name : {"RssAnon:", "RssShmem:"})
      if (line.rfind(name, 0) == 0) total += std::strtol(line.c_str() + std::strlen(name), nullptr, 10);
  }
  return total;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: measure OUT COMMAND [ARGUMENT...]\n");
    return 2;
  }
  const auto start = std::chrono::steady_clock::now();
  const pid_t pid = fork();
  if (pid < 0) {
    std::perror("measure: fork");
    return 2;
  }
  if (pid == 0) {
    execvp(argv[2], argv + 2);
    std::perror(argv[2]);
    _exit(127);
  }
  long peak = 0;
  int status = 0;
  rusage usage{};
  while (wait4(pid, &status, WNOHANG, &usage) == 0) {
    peak = std::max(peak, anonymous_kib(pid));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  std::ofstream out(argv[1]);
  out << seconds(usage.ru_utime) + seconds(usage.ru_stime) << ' ' << peak << ' ' << wall.count() << '\n';
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
