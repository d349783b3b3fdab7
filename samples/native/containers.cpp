// No fault: every container of the standard library, held by a global, with numbers that are known. Whichever library
// it is built with, each block has to be told by the shape of its container.
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "truth.h"

struct Account {
  virtual ~Account() = default;
  long balance = 7;
};

std::vector<std::vector<long>> rows;
std::vector<std::string> names;
std::list<long> queue;
std::map<long, long> prices;
std::set<long> seen;
std::unordered_map<long, long> index_of;
std::deque<long> history;
std::vector<std::shared_ptr<Account>> accounts;

int main() {
  constexpr long row_count = 100, name_count = 150, queue_length = 200, price_count = 300, seen_count = 50;
  constexpr long index_count = 250, history_length = 5000, account_count = 80;
  for (long i = 0; i < row_count; ++i) rows.emplace_back(20, i);
  for (long i = 0; i < name_count; ++i) names.emplace_back(100, static_cast<char>('a' + i % 26));
  for (long i = 0; i < queue_length; ++i) queue.push_back(i);
  for (long i = 0; i < price_count; ++i) prices.emplace(i * 7 % 1000, i);
  for (long i = 0; i < seen_count; ++i) seen.insert(i * 11 % 1000);
  for (long i = 0; i < index_count; ++i) index_of.emplace(i * 13, i);
  for (long i = 0; i < history_length; ++i) history.push_back(i);
  for (long i = 0; i < account_count; ++i) accounts.push_back(std::make_shared<Account>());
#ifdef _LIBCPP_VERSION
  constexpr long block = 512;  // elements of eight bytes in a block of a deque
#else
  constexpr long block = 64;
#endif
  const auto say = [](const char* name, long value) { truth::say(name, static_cast<std::size_t>(value)); };
  say("vector_bodies", row_count + 3);
  say("string_bodies", name_count);
  say("list_nodes", queue_length);
  say("tree_nodes", price_count + seen_count);
  say("hash_nodes", index_count);
  say("hash_buckets", 1);
  say("deque_blocks", (history_length + block - 1) / block);
  say("deque_maps", 1);
  say("accounts", account_count);
  say("leaked_blocks", 0);
  say("leak_heads", 0);
  say("leak_cycles", 0);
  truth::ready();
}
