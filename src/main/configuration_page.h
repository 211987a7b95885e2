// docs/configuration.md, written from the list of settings, so that it cannot be wrong about them.
#pragma once

#include <string>

namespace varve {

// The whole page, in Markdown.
std::string ConfigurationPage();

}  // namespace varve
