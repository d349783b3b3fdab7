// What machine_code_test.cpp decodes: classes, globals and loops whose uses are known by their source. Built at -O0 and
// -O2, position-independent and not, with the linker's relocations kept; and stripped. Never run by the tests.
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace shop {

struct Shape {
  virtual ~Shape();
  virtual long area() const;
  long id = 1;
};
struct Square : Shape {
  ~Square() override;
  long area() const override;
  double side[4] = {};
};
struct Named {
  virtual ~Named();
  long length = 0;
};
struct Poster : Square, Named {
  long area() const override;
  int copies = 2;
};

Shape::~Shape() = default;
long Shape::area() const { return id; }
Square::~Square() = default;
long Square::area() const { return id + static_cast<long>(side[2]); }
Named::~Named() = default;
long Poster::area() const { return copies + length; }

struct Account {
  long opened = 0;           // 0
  std::atomic<int> uses{0};  // 8
  short kind = 0;            // 12
  long history[4] = {};      // 16
  double balance = 0;        // 48
  void use();
  void remember(long n);
  double total() const;
};
void Account::use() { uses.fetch_add(1); }
void Account::remember(long n) {
  history[1] = n;
  for (int i = 0; i < 3; ++i) balance += static_cast<double>(n);
  kind = 3;
}
double Account::total() const { return balance + static_cast<double>(opened); }

struct Row {
  int id;
  char text[60];
  long value;  // 64
  char rest[24];
};
long sum_rows(const Row* rows, int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) sum += rows[i].value;
  return sum;
}

std::vector<Shape*> registry;
long counters[8];
int table[4] = {1, 2, 3, 4};
const char* title = "shop";
static long hidden;
std::FILE* log_file = nullptr;

__attribute__((noinline)) void accept(int k) {
  counters[k & 7] += k;
  ++counters[2];
  hidden += k;
  if (k % 3 == 0) registry.push_back(new Shape);
  if (k % 3 == 1) registry.push_back(new Square);
  if (k % 3 == 2) registry.push_back(new Poster);
}
__attribute__((noinline)) long* counter(int k) { return &counters[k]; }
__attribute__((noinline)) long report() {
  long sum = hidden;
  for (const Shape* shape : registry) sum += shape->area();
  for (const int value : table) sum += value;
  std::fprintf(log_file != nullptr ? log_file : stderr, "%s %ld\n", title, sum);
  return sum;
}

}  // namespace shop

int main(int count, char** arguments) {
  for (int i = 0; i < count * 10; ++i) shop::accept(i);
  const auto account = std::make_unique<shop::Account>();
  account->use();
  account->remember(count);
  std::vector<shop::Row> rows(static_cast<std::size_t>(count));
  const std::string text(arguments[0]);
  return static_cast<int>(shop::report() + *shop::counter(count & 7) + shop::sum_rows(rows.data(), count) +
                          static_cast<long>(account->total()) + static_cast<long>(text.size())) == 0;
}
