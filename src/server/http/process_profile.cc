#include "server/http/process_profile.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <malloc.h>
#include <signal.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/units.h"

namespace varve {
namespace {

constexpr int kFramesMax = 64;         // of a stack; deeper ones lose their outermost functions
constexpr size_t kSamplesMax = 16384;  // a minute of two busy cores at kPeriod
constexpr timeval kPeriod = {.tv_sec = 0, .tv_usec = 10'000};
constexpr int kHandlerFrames = 2;  // the handler and the kernel's return from it

struct Sample {
  std::array<void*, kFramesMax> frames;
  std::atomic<int> count = 0;
};

// Written by a signal handler, which can reach nothing but globals. Set while a profile runs.
std::atomic<Sample*> g_samples = nullptr;
std::atomic<size_t> g_taken = 0;
std::atomic<bool> g_running = false;

void TakeSample(int) {
  const int saved_errno = errno;
  Sample* const samples = g_samples.load();
  const size_t place = samples == nullptr ? kSamplesMax : g_taken.fetch_add(1);
  if (place < kSamplesMax) {
    const int count = ::backtrace(samples[place].frames.data(), kFramesMax);
    samples[place].count.store(count, std::memory_order_release);
  }
  errno = saved_errno;
}

struct Symbol {
  uintptr_t begin;
  uintptr_t end;
  std::string name;
};

// The functions of our own program, which dladdr does not know since they are not exported. Empty
// when the program has been stripped.
std::vector<Symbol> ProgramSymbols() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  Elf64_Ehdr header{};
  if (!file.read(reinterpret_cast<char*>(&header), sizeof(header)) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return {};
  }
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  file.seekg(static_cast<std::streamoff>(header.e_shoff));
  file.read(reinterpret_cast<char*>(sections.data()),
            static_cast<std::streamsize>(sections.size() * sizeof(Elf64_Shdr)));
  const auto table = std::ranges::find(sections, Elf64_Word{SHT_SYMTAB}, &Elf64_Shdr::sh_type);
  if (!file || table == sections.end() || table->sh_link >= sections.size()) {
    return {};
  }
  const auto read = [&](const Elf64_Shdr& section, void* to, size_t size) {
    file.seekg(static_cast<std::streamoff>(section.sh_offset));
    file.read(static_cast<char*>(to), static_cast<std::streamsize>(size));
  };
  std::vector<Elf64_Sym> entries(table->sh_size / sizeof(Elf64_Sym));
  std::string names(sections[table->sh_link].sh_size, '\0');
  read(*table, entries.data(), entries.size() * sizeof(Elf64_Sym));
  read(sections[table->sh_link], names.data(), names.size());
  std::vector<Symbol> symbols;
  for (const Elf64_Sym& entry : entries) {
    if (ELF64_ST_TYPE(entry.st_info) == STT_FUNC && entry.st_size > 0 &&
        entry.st_name < names.size()) {
      symbols.push_back(
          {entry.st_value, entry.st_value + entry.st_size, names.c_str() + entry.st_name});
    }
  }
  std::ranges::sort(symbols, {}, &Symbol::begin);
  return symbols;
}

std::string Demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  std::string out = status == 0 ? text.get() : name;
  std::ranges::replace(out, ';', ':');  // which separates functions
  std::ranges::replace(out, ' ', '_');
  return out;
}

std::string NameOf(const void* address, const std::vector<Symbol>& program) {
  Dl_info info{};
  if (::dladdr(address, &info) == 0 || info.dli_fname == nullptr) {
    return fmt::format("{}", address);
  }
  if (info.dli_sname != nullptr) {
    return Demangled(info.dli_sname);
  }
  const uintptr_t offset =
      reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(info.dli_fbase);
  auto after = std::ranges::upper_bound(program, offset, {}, &Symbol::begin);
  Dl_info own{};
  const bool ours = ::dladdr(reinterpret_cast<const void*>(&NameOf), &own) != 0 &&
                    own.dli_fbase == info.dli_fbase;
  if (ours && after != program.begin() && offset < std::prev(after)->end) {
    return Demangled(std::prev(after)->name.c_str());
  }
  const char* const slash = std::strrchr(info.dli_fname, '/');
  return fmt::format("{}+{:#x}", slash == nullptr ? info.dli_fname : slash + 1, offset);
}

std::string Folded(const Sample* samples, size_t taken) {
  const std::vector<Symbol> program = ProgramSymbols();
  std::map<const void*, std::string> names;
  std::map<std::string, size_t> stacks;
  for (size_t i = 0; i < std::min(taken, kSamplesMax); ++i) {
    const int count = samples[i].count.load(std::memory_order_acquire);
    std::string stack;
    for (int frame = count - 1; frame >= kHandlerFrames; --frame) {
      const void* const address = samples[i].frames[static_cast<size_t>(frame)];
      auto [known, added] = names.try_emplace(address);
      if (added) {
        known->second = NameOf(address, program);
      }
      stack += (stack.empty() ? "" : ";") + known->second;
    }
    if (!stack.empty()) {
      ++stacks[stack];
    }
  }
  std::string text;
  for (const auto& [stack, count] : stacks) {
    text += fmt::format("{} {}\n", stack, count);
  }
  return text;
}

}  // namespace

Result<std::string> ProfileCpu(std::chrono::milliseconds duration, std::stop_token stop) {
  if (g_running.exchange(true)) {
    return Conflict("a profile is being taken; try again when it has ended");
  }
  // Kept for ever, as is the handler: a signal may be under way on some thread when the timer is
  // off.
  static const auto samples = std::make_unique<Sample[]>(kSamplesMax);
  for (size_t i = 0; i < kSamplesMax; ++i) {
    samples[i].count = 0;
  }
  // The first call loads a library, which a signal handler must not.
  ::backtrace(samples[0].frames.data(), 1);
  g_taken = 0;
  g_samples = samples.get();
  struct sigaction action{};
  action.sa_handler = TakeSample;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGPROF, &action, nullptr);
  const itimerval on = {.it_interval = kPeriod, .it_value = kPeriod};
  const itimerval off = {};
  ::setitimer(ITIMER_PROF, &on, nullptr);
  {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any wake;
    wake.wait_for(lock, stop, duration, [] { return false; });
  }
  ::setitimer(ITIMER_PROF, &off, nullptr);
  g_samples = nullptr;
  std::string text = Folded(samples.get(), g_taken.load());
  g_running = false;
  return text;
}

std::string DescribeHeap() {
  const struct mallinfo2 info = ::mallinfo2();
  std::string text = fmt::format(
      "from the system: {}\ngiven out: {}\nfree: {}\nmapped on their own: {} in {} blocks\n\n",
      FormatSize(info.arena + info.hblkhd), FormatSize(info.uordblks + info.hblkhd),
      FormatSize(info.fordblks), FormatSize(info.hblkhd), info.hblks);
  char* description = nullptr;
  size_t size = 0;
  if (FILE* const file = ::open_memstream(&description, &size); file != nullptr) {
    ::malloc_info(0, file);
    std::fclose(file);
    text.append(description, size);
    std::free(description);
  }
  return text;
}

}  // namespace varve
