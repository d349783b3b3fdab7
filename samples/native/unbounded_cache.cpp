// The fault: a map as a cache, every key new, nothing evicted. Nothing is leaked: all of it is reachable.
#include <map>
#include <string>

#include "truth.h"

std::map<long, std::string> response_cache;

int main() {
  constexpr std::size_t entries = 2000;
  constexpr std::size_t text = 200;
  for (std::size_t i = 0; i < entries; ++i) {
    response_cache.emplace(static_cast<long>(i), std::string(text, static_cast<char>('a' + i % 26)));
  }
  truth::say("leaked_blocks", std::size_t{0});
  truth::say("leak_heads", std::size_t{0});
  truth::say("leak_cycles", std::size_t{0});
  truth::say("suspect_retained_at_least", entries * (text + 1 + sizeof(*response_cache.begin())));
  truth::ready();
}
