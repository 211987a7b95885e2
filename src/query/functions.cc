#include "query/functions.h"

#include "query/duckdb_bridge.h"

namespace varve {
namespace {

void AddAggregateAliases(FunctionCatalog& catalog) {
  catalog.AddAggregateAlias("var", "var_samp");
  catalog.AddAggregateAlias("covar", "covar_samp");
  catalog.AddAggregateAlias("approx_distinct", "approx_count_distinct");
}

}  // namespace

Status RegisterFunctions(duckdb::Connection& connection) {
  return Caught([&] {
    FunctionCatalog catalog(connection);
    AddTimeFunctions(catalog);
    AddMathFunctions(catalog);
    AddTextFunctions(catalog);
    AddRegexpFunctions(catalog);
    AddDigestFunctions(catalog);
    AddTypeFunctions(catalog);
    AddDistinctAggregates(catalog);
    AddQuantileAggregates(catalog);
    AddAggregateAliases(catalog);
  });
}

}  // namespace varve
