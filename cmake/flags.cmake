# The house's compiler flags, for every target that links leadstream_flags. Warnings are errors.
add_library(leadstream_flags INTERFACE)
target_compile_options(leadstream_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-qual -Wcast-align -Wpointer-arith -Wwrite-strings
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wswitch-enum
  -Wundef -Wvla -Wformat=2 -Werror -fno-omit-frame-pointer
  -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
# clang looks into librdkafka's macros, which gcc does not: they are GNU expressions and cast const away.
target_compile_options(leadstream_flags INTERFACE
  "$<$<C_COMPILER_ID:Clang>:-Wmissing-variable-declarations;-Wno-gnu-statement-expression;-Wno-cast-qual>")
target_compile_definitions(leadstream_flags INTERFACE _POSIX_C_SOURCE=200809L)
if(LEADSTREAM_SANITIZE)
  target_compile_options(leadstream_flags INTERFACE -fsanitize=${LEADSTREAM_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(leadstream_flags INTERFACE -fsanitize=${LEADSTREAM_SANITIZE})
elseif(NOT LEADSTREAM_COVERAGE AND NOT LEADSTREAM_FUZZ)
  # What makes a bug harder to exploit (tests/arch/test_hardened.py looks for it in the program): checked stacks and
  # copies, a place in memory that nobody knows, tables that are read-only once they are filled. FORTIFY wants -O.
  target_compile_options(leadstream_flags INTERFACE -fstack-protector-strong -fstack-clash-protection)
  target_compile_definitions(leadstream_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=3>)
  target_link_options(leadstream_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(leadstream_flags INTERFACE -fcf-protection)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    target_compile_options(leadstream_flags INTERFACE -mbranch-protection=standard)
  endif()
endif()
if(LEADSTREAM_COVERAGE)
  target_compile_options(leadstream_flags INTERFACE --coverage)
  target_link_options(leadstream_flags INTERFACE --coverage)
endif()
if(LEADSTREAM_FUZZ)
  target_compile_options(leadstream_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(LEADSTREAM_SANITIZE MATCHES "thread")
  # ThreadSanitizer does not know C11's threads, which librdkafka uses.
  add_library(c11_threads STATIC ${PROJECT_SOURCE_DIR}/tests/support/c11_threads.c)
  target_compile_options(c11_threads PRIVATE -fsanitize=thread -Wall -Wextra -Werror)
  target_compile_definitions(c11_threads PRIVATE _POSIX_C_SOURCE=200809L)
  target_link_options(leadstream_flags INTERFACE -Wl,--undefined=thrd_create)
  target_link_libraries(leadstream_flags INTERFACE c11_threads)
endif()
