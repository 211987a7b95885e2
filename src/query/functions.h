// The functions that CeresDB's and DataFusion's users know, beside DuckDB's or in the place of
// those that answer otherwise. docs/sql-functions.md lists them; test/sql/function/ tests them.
#pragma once

#include <duckdb.hpp>

#include "base/result.h"
#include "query/function_catalog.h"

namespace varve {

// Once per instance, before the fence closes.
Status RegisterFunctions(duckdb::Connection& connection);

void AddTimeFunctions(FunctionCatalog& catalog);       // time_functions.cc
void AddMathFunctions(FunctionCatalog& catalog);       // math_functions.cc
void AddTextFunctions(FunctionCatalog& catalog);       // text_functions.cc
void AddRegexpFunctions(FunctionCatalog& catalog);     // regexp_functions.cc
void AddDigestFunctions(FunctionCatalog& catalog);     // digest_functions.cc
void AddTypeFunctions(FunctionCatalog& catalog);       // type_functions.cc
void AddDistinctAggregates(FunctionCatalog& catalog);  // distinct_aggregates.cc
void AddQuantileAggregates(FunctionCatalog& catalog);  // quantile_aggregates.cc

}  // namespace varve
