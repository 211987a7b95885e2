// thetasketch_distinct(x): how many different values there are, NULL left out; exact up to
// ThetaSketch::kHashesKept, within a few percent beyond.
#include <new>

#include "query/arena_memory.h"
#include "query/functions.h"
#include "query/theta_sketch.h"

namespace varve {
namespace {

using duckdb::LogicalType;
using duckdb::Vector;

// DuckDB's hash of an integer leaves patterns in its high bits, by which theta divides.
uint64_t Mixed(uint64_t hash) {
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdULL;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53ULL;
  return hash ^ (hash >> 33);
}

void Initialize(const duckdb::AggregateFunction&, duckdb::data_ptr_t state) {
  new (state) ThetaSketch();
}

// Calls add(row, hash) for each row that is not NULL.
void ForEachHash(Vector& input, duckdb::idx_t count, auto add) {
  Vector hashes(LogicalType::HASH, count);
  duckdb::VectorOperations::Hash(input, hashes, count);
  duckdb::UnifiedVectorFormat of_hashes;
  hashes.ToUnifiedFormat(count, of_hashes);
  duckdb::UnifiedVectorFormat of_input;
  input.ToUnifiedFormat(count, of_input);
  const auto* values = duckdb::UnifiedVectorFormat::GetData<duckdb::hash_t>(of_hashes);
  for (duckdb::idx_t row = 0; row < count; ++row) {
    if (of_input.validity.RowIsValid(of_input.sel->get_index(row))) {
      add(row, Mixed(values[of_hashes.sel->get_index(row)]));
    }
  }
}

void Update(Vector inputs[], duckdb::AggregateInputData& data, duckdb::idx_t, Vector& states,
            duckdb::idx_t count) {
  ArenaMemory memory(data.allocator);
  duckdb::UnifiedVectorFormat of_states;
  states.ToUnifiedFormat(count, of_states);
  const auto* sketches = duckdb::UnifiedVectorFormat::GetData<ThetaSketch*>(of_states);
  ForEachHash(inputs[0], count, [&](duckdb::idx_t row, uint64_t hash) {
    sketches[of_states.sel->get_index(row)]->Add(hash, memory);
  });
}

void UpdateOne(Vector inputs[], duckdb::AggregateInputData& data, duckdb::idx_t,
               duckdb::data_ptr_t state, duckdb::idx_t count) {
  ArenaMemory memory(data.allocator);
  auto& sketch = *reinterpret_cast<ThetaSketch*>(state);
  ForEachHash(inputs[0], count, [&](duckdb::idx_t, uint64_t hash) { sketch.Add(hash, memory); });
}

void Combine(Vector& sources, Vector& targets, duckdb::AggregateInputData& data,
             duckdb::idx_t count) {
  ArenaMemory memory(data.allocator);
  duckdb::UnifiedVectorFormat of_sources;
  sources.ToUnifiedFormat(count, of_sources);
  const auto* from = duckdb::UnifiedVectorFormat::GetData<ThetaSketch*>(of_sources);
  auto* const* to = duckdb::FlatVector::GetData<ThetaSketch*>(targets);
  for (duckdb::idx_t i = 0; i < count; ++i) {
    to[i]->Merge(*from[of_sources.sel->get_index(i)], memory);
  }
}

void Finalize(Vector& states, duckdb::AggregateInputData&, Vector& result, duckdb::idx_t count,
              duckdb::idx_t offset) {
  duckdb::UnifiedVectorFormat of_states;
  states.ToUnifiedFormat(count, of_states);
  const auto* sketches = duckdb::UnifiedVectorFormat::GetData<ThetaSketch*>(of_states);
  auto* counts = duckdb::FlatVector::GetData<uint64_t>(result);
  for (duckdb::idx_t i = 0; i < count; ++i) {
    counts[offset + i] = sketches[of_states.sel->get_index(i)]->Estimate();
  }
}

}  // namespace

void AddDistinctAggregates(FunctionCatalog& catalog) {
  duckdb::AggregateFunction function(
      "thetasketch_distinct", {LogicalType::ANY}, LogicalType::UBIGINT,
      [](const duckdb::AggregateFunction&) -> duckdb::idx_t { return sizeof(ThetaSketch); },
      Initialize, Update, Combine, Finalize, duckdb::FunctionNullHandling::SPECIAL_HANDLING,
      UpdateOne);
  function.SetOrderDependent(duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT);
  function.SetDistinctDependent(duckdb::AggregateDistinctDependent::NOT_DISTINCT_DEPENDENT);
  duckdb::AggregateFunctionSet functions("thetasketch_distinct");
  functions.AddFunction(std::move(function));
  catalog.Add(std::move(functions));
}

}  // namespace varve
