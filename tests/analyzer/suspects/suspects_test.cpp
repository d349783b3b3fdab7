#include "analyzer/suspects/suspects.h"

#include <gtest/gtest.h>

#include "tests/analyzer/suspects/heap_fixture.h"

using namespace queries;
using tests::analyse;
using tests::Analysed;
using tests::NamedHeap;

namespace {

double metric(const Analysed& heap, std::string_view name) {
  for (const MetricRow& row : heap.results.metrics) {
    if (row.name == name) return row.value;
  }
  return -1;
}

NamedHeap listeners(const std::string& field, const std::string& element, std::uint32_t count) {
  NamedHeap heap;
  const ObjectId holder = heap.root_class("com.acme.Bus");
  heap.field(holder, field, heap.list_of(count, element, 1000));
  return heap;
}

NamedHeap thread_heap() {
  NamedHeap heap;
  const ObjectId thread = heap.graph.object("java.lang.Thread", 120);
  heap.graph.root(thread, RootKind::thread_object);
  const ObjectId map = heap.graph.object("java.lang.ThreadLocal$ThreadLocalMap", 24);
  heap.field(thread, "threadLocals", map);
  const ObjectId table = heap.graph.array("java.lang.ThreadLocal$ThreadLocalMap$Entry[]", 16, 80);
  heap.field(map, "table", table);
  const ObjectId entry = heap.graph.object("java.lang.ThreadLocal$ThreadLocalMap$Entry", 32);
  heap.field(table, "[3]", entry);
  const ObjectId context = heap.graph.object("com.acme.RequestContext", 16);
  heap.field(entry, "value", context);
  heap.field(context, "uploads", heap.list_of(50, "com.acme.Upload", 10'000));
  return heap;
}

auto named_thread(const std::string& name) {
  return [name](Snapshot& snapshot) {
    ThreadRow row;
    row.name = name;
    row.object = ObjectId{0};
    snapshot.threads.push_back(row);
  };
}

}  // namespace

TEST(Suspects, AnEmptyHeapHasNone) {
  const Analysed heap = analyse(NamedHeap{});
  EXPECT_TRUE(heap.results.suspects.empty());
  EXPECT_EQ(metric(heap, "suspects.count"), 0);
}

TEST(Suspects, AListOfListenersThatOnlyGrowsIsNamed) {
  const Analysed heap = analyse(listeners("listeners", "com.acme.View", 500));
  ASSERT_EQ(heap.results.suspects.size(), 1u);
  const SuspectRow& suspect = heap.results.suspects[0];
  EXPECT_EQ(suspect.cause, "listener_list");
  EXPECT_EQ(suspect.kind, "class");
  EXPECT_NE(suspect.title.find("static com.acme.Bus.listeners holds 500 com.acme.View"), std::string::npos)
      << suspect.title;
  EXPECT_EQ(heap.path(0), "sticky_class listeners elementData");
  EXPECT_EQ(heap.evidence(0, "fact", "fill"), "50 % full");
  EXPECT_NE(heap.evidence(0, "summary").find("500 com.acme.View"), std::string::npos) << heap.evidence(0, "summary");
  EXPECT_FALSE(heap.evidence(0, "advice").empty());
}

TEST(Suspects, ListenersAreKnownByTheirClassToo) {
  EXPECT_EQ(analyse(listeners("all", "com.acme.ClickListener", 500)).results.suspects.at(0).cause, "listener_list");
  EXPECT_EQ(analyse(listeners("all", "com.acme.Main$$Lambda/0x01", 500)).results.suspects.at(0).cause, "listener_list");
}

TEST(Suspects, AListOfOtherThingsOrAFewListenersHasNoCause) {
  EXPECT_EQ(analyse(listeners("rows", "com.acme.Row", 500)).results.suspects.at(0).cause, "");
  EXPECT_EQ(analyse(listeners("listeners", "com.acme.View", 20)).results.suspects.at(0).cause, "");
}

TEST(Suspects, AMapThatOnlyGrowsIsNamedWithSizeFillAndClasses) {
  NamedHeap builder;
  builder.field(builder.root_class("com.acme.Answers"), "CACHE", builder.map_of(600, "com.acme.Answer", 500));
  const Analysed heap = analyse(builder);
  ASSERT_EQ(heap.results.suspects.size(), 1u);
  EXPECT_EQ(heap.results.suspects[0].cause, "unbounded_map");
  EXPECT_EQ(heap.evidence(0, "fact", "size"), "600 elements");
  EXPECT_EQ(heap.evidence(0, "fact", "keys"), "java.lang.String");
  EXPECT_EQ(heap.evidence(0, "fact", "values").substr(0, 15), "com.acme.Answer");
}

TEST(Suspects, ASmallMapOrOneInALocalVariableIsNoCache) {
  NamedHeap small;
  small.field(small.root_class("com.acme.Answers"), "CACHE", small.map_of(30, "com.acme.Answer", 500));
  EXPECT_EQ(analyse(small).results.suspects.at(0).cause, "");

  NamedHeap local;
  const ObjectId thread = local.graph.object("java.lang.Thread", 120);
  local.graph.root(thread, RootKind::thread_object);
  local.field(thread, "<Java Local>", local.map_of(600, "com.acme.Answer", 500));
  EXPECT_EQ(analyse(local, named_thread("main")).results.suspects.at(0).cause, "");
}

TEST(Suspects, AThreadLocalOfAPooledThreadIsNamed) {
  const Analysed heap = analyse(thread_heap(), named_thread("pool-1-thread-1"));
  ASSERT_EQ(heap.results.suspects.size(), 1u);
  EXPECT_EQ(heap.results.suspects[0].cause, "thread_local");
  EXPECT_EQ(heap.results.suspects[0].kind, "thread");
  EXPECT_NE(heap.results.suspects[0].title.find("com.acme.RequestContext"), std::string::npos);
  EXPECT_NE(heap.results.suspects[0].title.find("pool-1-thread-1"), std::string::npos);
}

TEST(Suspects, AThreadLocalOfTheMainThreadHasNoCause) {
  EXPECT_EQ(analyse(thread_heap(), named_thread("main")).results.suspects.at(0).cause, "");
}

namespace {

NamedHeap plugin_heap(bool second_way) {
  NamedHeap heap;
  const ObjectId app = heap.root_class("com.acme.App");
  heap.graph.class_row("java.lang.ClassLoader");
  heap.graph.class_row("com.acme.PluginLoader").super = heap.graph.class_named("java.lang.ClassLoader");
  const ObjectId loader = heap.graph.object("com.acme.PluginLoader", 80);
  const ObjectId plugin_class = heap.graph.class_object("plug.Plugin", 8);
  heap.graph.class_row("plug.Plugin").loader = loader;
  const ObjectId plugin = heap.graph.object("plug.Plugin", 16);
  const ObjectId hooks = heap.graph.object("java.util.ArrayList", 24);
  const ObjectId array = heap.graph.array("java.lang.Object[]", 10, 56);
  heap.field(app, "HOOKS", hooks);
  heap.field(hooks, "elementData", array);
  heap.field(array, "[0]", plugin);
  heap.field(plugin_class, "<loader>", loader);
  heap.field(loader, "classes", plugin_class);
  const ObjectId pages = heap.graph.array("byte[][]", 100, 416);
  heap.field(plugin_class, "TEMPLATES", pages);
  for (int i = 0; i < 100; ++i)
    heap.field(pages, "[" + std::to_string(i) + "]", heap.graph.array("byte[]", 5000, 5016));
  if (second_way) heap.graph.root(loader, RootKind::jni_global);
  return heap;
}

}  // namespace

TEST(Suspects, AClassLoaderKeptByOneObjectIsNamed) {
  const Analysed heap = analyse(plugin_heap(false));
  ASSERT_EQ(heap.results.suspects.size(), 1u);
  EXPECT_EQ(heap.results.suspects[0].cause, "class_loader");
  EXPECT_NE(heap.results.suspects[0].title.find("com.acme.PluginLoader through static com.acme.App.HOOKS"),
            std::string::npos)
      << heap.results.suspects[0].title;
}

TEST(Suspects, AClassLoaderThatARootHoldsIsInUse) {
  EXPECT_EQ(analyse(plugin_heap(true)).results.suspects.at(0).cause, "");
}

namespace {

NamedHeap finalizer_heap(bool held) {
  NamedHeap heap;
  heap.graph.class_row("com.acme.File").has_finalizer = true;
  const ObjectId queue = heap.root_class("java.lang.ref.Finalizer");
  ObjectId before = queue;
  const ObjectId keeper = heap.root_class("com.acme.Keeper");
  for (int i = 0; i < 50; ++i) {
    const ObjectId finalizer = heap.graph.object("java.lang.ref.Finalizer", 64);
    heap.field(before, before == queue ? "unfinalized" : "next", finalizer);
    const ObjectId file = heap.graph.object("com.acme.File", 1000);
    const ObjectId peer = heap.graph.object("com.acme.Peer", 1000);
    heap.field(finalizer, "referent", file, Strength::final);
    heap.field(file, "peer", peer);
    heap.field(peer, "file", file);
    if (held) heap.field(keeper, "file" + std::to_string(i), file);
    before = finalizer;
  }
  return heap;
}

}  // namespace

TEST(Suspects, ACycleThatOnlyFinalizersHoldIsNamed) {
  const Analysed heap = analyse(finalizer_heap(false));
  ASSERT_FALSE(heap.results.suspects.empty());
  EXPECT_EQ(heap.results.suspects[0].cause, "finalizer_cycle");
  EXPECT_EQ(heap.results.suspects[0].retained_bytes, 100'000u);
  EXPECT_LT(heap.results.suspects[0].percent, 100);
  EXPECT_EQ(heap.evidence(0, "fact", "cycles"), "100 objects in 50 cycles");
}

TEST(Suspects, ObjectsWithFinalizersInUseAreNotWaiting) {
  for (const SuspectRow& suspect : analyse(finalizer_heap(true)).results.suspects) EXPECT_EQ(suspect.cause, "");
}

TEST(Suspects, ACleanerWhoseActionHoldsItsObjectIsACycle) {
  NamedHeap heap;
  const ObjectId cleanable = heap.graph.object("jdk.internal.ref.CleanerImpl$PhantomCleanableRef", 48);
  heap.graph.root(cleanable);
  const ObjectId action = heap.graph.object("com.acme.Buffer$$Lambda/0x1", 16);
  const ObjectId buffer = heap.graph.object("com.acme.Buffer", 16);
  heap.field(cleanable, "action", action);
  heap.field(cleanable, "referent", buffer, Strength::phantom);
  heap.field(action, "arg$1", buffer);
  heap.field(buffer, "bytes", heap.graph.array("byte[]", 100'000, 100'016));
  const Analysed found = analyse(heap);
  ASSERT_EQ(found.results.suspects.size(), 1u);
  EXPECT_EQ(found.results.suspects[0].cause, "finalizer_cycle");
}

TEST(Suspects, GarbageIsNeverASuspect) {
  NamedHeap builder;
  builder.field(builder.root_class("com.acme.Main"), "small", builder.graph.object("com.acme.Small", 100));
  (void)builder.list_of(1000, "com.acme.Garbage", 1000);
  const Analysed heap = analyse(builder);
  for (const SuspectRow& suspect : heap.results.suspects) {
    EXPECT_EQ(suspect.title.find("Garbage"), std::string::npos);
    EXPECT_LE(suspect.percent, 100);
  }
}

TEST(Suspects, ALinkedListIsOneThingAtItsHead) {
  NamedHeap builder;
  const ObjectId holder = builder.root_class("com.acme.Log");
  ObjectId before = holder;
  for (int i = 0; i < 100'000; ++i) {
    const ObjectId node = builder.graph.object("com.acme.Node", 24);
    builder.field(before, i == 0 ? "head" : "next", node);
    before = node;
  }
  const Analysed heap = analyse(builder);
  ASSERT_EQ(heap.results.suspects.size(), 1u);
  EXPECT_NE(heap.results.suspects[0].title.find("static com.acme.Log.head holds a linked list of 100,000"),
            std::string::npos)
      << heap.results.suspects[0].title;
  EXPECT_EQ(heap.path(0), "sticky_class head");
}

TEST(Suspects, InstancesOfOneClassAreAGroupWithTheirCommonPath) {
  NamedHeap builder;
  // Two ways to each session, so that neither list dominates them.
  const ObjectId first = builder.graph.array("java.lang.Object[]", 300, 2416);
  const ObjectId second = builder.graph.array("java.lang.Object[]", 300, 2416);
  builder.field(builder.root_class("com.acme.Sessions"), "ALL", first);
  builder.field(builder.root_class("com.acme.Index"), "BY_ID", second);
  for (int i = 0; i < 300; ++i) {
    const ObjectId session = builder.graph.object("com.acme.Session", 2000);
    builder.field(first, "[" + std::to_string(i) + "]", session);
    builder.field(second, "[" + std::to_string(i) + "]", session);
  }
  const Analysed heap = analyse(builder);
  ASSERT_EQ(heap.results.suspects.size(), 1u);
  EXPECT_EQ(heap.results.suspects[0].kind, "group");
  EXPECT_EQ(heap.results.suspects[0].retained_bytes, 600'000u);
  EXPECT_EQ(heap.results.suspects[0].accumulation, first);
  EXPECT_EQ(heap.path(0), "sticky_class ALL");
}

TEST(Suspects, SignaturesDoNotDependOnIdsSizesOrLambdaNumbers) {
  const auto signature = [](const NamedHeap& heap) { return analyse(heap).results.suspects.at(0).signature; };
  NamedHeap shifted;
  (void)shifted.graph.objects(1000, "com.acme.Other", 0);
  shifted.field(shifted.root_class("com.acme.Bus"), "listeners", shifted.list_of(900, "com.acme.View", 100));
  EXPECT_EQ(signature(listeners("listeners", "com.acme.View", 500)), signature(shifted));
  EXPECT_NE(signature(listeners("listeners", "com.acme.View", 500)),
            signature(listeners("other", "com.acme.View", 500)));
  EXPECT_EQ(signature(shifted).size(), 16u);
}

TEST(Suspects, WhatTopClassesSumToIsWhatTheSuspectRetains) {
  for (const NamedHeap& builder : {listeners("listeners", "com.acme.View", 500), thread_heap(), plugin_heap(false)}) {
    const Analysed heap = analyse(builder);
    std::map<std::uint32_t, std::int64_t> sums;
    for (const SuspectEvidenceRow& row : heap.results.suspect_evidence) {
      if (row.kind == "top_class") sums[row.suspect] += row.bytes;
    }
    for (const auto& [suspect, sum] : sums) {
      EXPECT_EQ(static_cast<std::uint64_t>(sum), heap.results.suspects[suspect].retained_bytes);
    }
  }
}

TEST(Suspects, TheFrameWhoseLocalHoldsTheMemoryIsSignificant) {
  NamedHeap builder;
  const ObjectId thread = builder.graph.object("java.lang.Thread", 120);
  builder.graph.root(thread, RootKind::thread_object);
  const ObjectId list = builder.list_of(300, "com.acme.Row", 1000);
  builder.field(thread, "<Java Local>", list);
  const Analysed heap = analyse(builder, [&](Snapshot& snapshot) {
    ThreadRow row;
    row.name = "main";
    row.object = thread;
    row.stack = 7;
    snapshot.threads.push_back(row);
    for (std::uint32_t depth = 0; depth < 3; ++depth) {
      FrameRow frame;
      frame.stack = 7;
      frame.depth = depth;
      frame.function = "com.acme.Main.f" + std::to_string(depth) + "()";
      frame.file = "Main.java";
      frame.line = 10;
      snapshot.frames.push_back(frame);
    }
    RootRow local;
    local.object = list;
    local.kind = RootKind::java_frame;
    local.thread = 0;
    local.frame = 1;
    snapshot.roots.push_back(local);
  });
  EXPECT_EQ(heap.evidence(0, "frame", "significant"), "com.acme.Main.f1() (Main.java:10)");
  EXPECT_EQ(heap.evidence(0, "local"), "com.acme.Main.f1() (Main.java:10)");
}
