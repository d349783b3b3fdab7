// The fault: a global still points to an object that has been freed. Its memory is not used again, nor written to.
#include "truth.h"

struct Request {
  long id;
  long payload[20];
};

Request* current_request;
Request* finished_request;  // dangling

int main() {
  current_request = new Request{1, {}};
  finished_request = new Request{2, {}};
  Request* alias = finished_request;
  delete alias;
  truth::say("live", current_request);
  truth::say("freed", finished_request);
  truth::say("leaked_blocks", std::size_t{0});
  truth::say("leak_heads", std::size_t{0});
  truth::say("leak_cycles", std::size_t{0});
  truth::ready();
}
