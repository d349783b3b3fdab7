// No fault: objects of every kind that debugging information leads to, from globals, static locals, thread-local data
// and locals, through structs, arrays, smart pointers and containers. Says where each is and what it is.
//
// None of the classes but one has a vtable: without debugging information, the blocks are "48-byte block" and the like.
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "truth.h"

namespace zoo {

struct Point {
  double x = 1;
  double y = 2;
  double z = 3;
};

struct Leaf {
  long number = 0;
  const Point* place = nullptr;
  long more[3] = {};
};

struct Node {  // of a list of our own
  Node* next = nullptr;
  Leaf* leaf = nullptr;
  char name[24] = {};
};

struct Counted {  // has a destructor: new Counted[n] counts
  ~Counted() { delete point; }
  Point* point = nullptr;
  long id = 0;
};

struct Animal {
  virtual ~Animal() = default;
  Leaf* food = nullptr;
};
struct Cat : Animal {
  std::unique_ptr<Leaf> toy;
  int lives = 9;
};

union Either {
  Leaf* leaf;
  long number;
};

struct Registry {
  Node* head = nullptr;
  Leaf** table = nullptr;   // an array of pointers
  Point* points = nullptr;  // an array of objects
  long* numbers = nullptr;
  Counted* counted = nullptr;
  std::unique_ptr<Leaf> owned;
  std::shared_ptr<Leaf> shared{new Leaf};
  std::shared_ptr<Leaf> made = std::make_shared<Leaf>();
  std::vector<Leaf*> pointers;
  std::vector<Node> nodes;
  std::list<Leaf*> list;
  std::map<int, Leaf*> map;
  std::set<Leaf*> set;
  std::unordered_map<std::string, Leaf*> hash;
  std::deque<Leaf*> deque;
  Animal* animal = nullptr;
  void* anything = nullptr;  // leads nowhere, as do the next two
  char* bytes = nullptr;
  Either either{};
};

Registry* registry;
Leaf* slots[4];

namespace {
struct Hidden {
  Leaf* leaf = nullptr;
  int value = 7;
};
Hidden hidden;
}  // namespace

thread_local Node* of_this_thread;

Leaf* counted_leaf(long number) {
  Leaf* leaf = new Leaf;
  leaf->number = number;
  leaf->place = new Point;
  truth::say("zoo::Leaf", leaf);
  truth::say("zoo::Point", leaf->place);
  return leaf;
}

Leaf* of_a_static_local() {
  static Leaf* leaf = counted_leaf(77);
  return leaf;
}

void fill(Registry& to) {
  for (int i = 0; i < 50; ++i) {
    Node* node = new Node;
    node->next = to.head;
    node->leaf = counted_leaf(i);
    to.head = node;
    truth::say("zoo::Node", node);
  }
  to.table = new Leaf*[10];
  truth::say("array of zoo::Leaf*", to.table);
  for (int i = 0; i < 10; ++i) to.table[i] = counted_leaf(i);
  to.points = new Point[20];
  truth::say("array of zoo::Point", to.points);
  to.numbers = new long[30]();
  truth::say("array of long int", to.numbers);
  to.counted = new Counted[5];
  truth::say("array of zoo::Counted", reinterpret_cast<char*>(to.counted) - sizeof(std::size_t));
  for (int i = 0; i < 5; ++i) {
    to.counted[i].point = new Point;
    truth::say("zoo::Point", to.counted[i].point);
  }
  to.owned.reset(counted_leaf(1));
  truth::say("zoo::Leaf", to.shared.get());
  to.made->place = new Point;
  truth::say("zoo::Point", to.made->place);
  to.nodes.resize(3);
  for (int i = 0; i < 12; ++i) {
    to.pointers.push_back(counted_leaf(i));
    to.list.push_back(counted_leaf(i));
    to.map[i] = counted_leaf(i);
    to.set.insert(counted_leaf(i));
    to.hash["a name that is too long to lie in the string " + std::to_string(i)] = counted_leaf(i);
    to.deque.push_back(counted_leaf(i));
  }
  for (Node& node : to.nodes) node.leaf = counted_leaf(3);
  Cat* cat = new Cat;
  cat->food = counted_leaf(5);
  cat->toy.reset(counted_leaf(6));
  truth::say("zoo::Cat", cat);
  to.animal = cat;
}

}  // namespace zoo

int main() {
  zoo::registry = new zoo::Registry;
  truth::say("zoo::Registry", zoo::registry);
  zoo::fill(*zoo::registry);
  for (zoo::Leaf*& slot : zoo::slots) slot = zoo::counted_leaf(8);
  zoo::hidden.leaf = zoo::counted_leaf(9);
  zoo::of_a_static_local();
  zoo::of_this_thread = new zoo::Node;
  truth::say("zoo::Node", zoo::of_this_thread);
  // These three are known by what no type tells: they stay what their size is.
  zoo::registry->anything = new zoo::Leaf;
  zoo::registry->bytes = new char[1000]();
  zoo::registry->either.leaf = new zoo::Leaf;
  truth::say("untyped", zoo::registry->anything);
  truth::say("untyped", zoo::registry->either.leaf);
  zoo::Leaf* local = zoo::counted_leaf(10);
  std::map<long, zoo::Leaf*> of_a_local{{1, zoo::counted_leaf(11)}};
  truth::ready();
  truth::say("end", static_cast<std::size_t>(local->number + zoo::hidden.leaf->number + zoo::hidden.value) +
                        of_a_local.size());
}
