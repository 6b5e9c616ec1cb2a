# schemas/*.avsc and config/model.yaml -> a .c file with their texts (src/codec/shipped.h), so that the program needs no
# files beside it. Included by src/CMakeLists.txt, and run by itself at build time whenever a schema changes.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  file(GLOB shipped CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/schemas/*.avsc)
  set(shipped_c ${CMAKE_CURRENT_BINARY_DIR}/shipped.c)
  add_custom_command(OUTPUT ${shipped_c}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${PROJECT_SOURCE_DIR}/schemas -DMODEL=${PROJECT_SOURCE_DIR}/config/model.yaml
      -DOUT=${shipped_c} -P ${CMAKE_CURRENT_LIST_FILE}
    DEPENDS ${shipped} ${PROJECT_SOURCE_DIR}/config/model.yaml ${CMAKE_CURRENT_LIST_FILE} VERBATIM)
  target_sources(ls_codec PRIVATE ${shipped_c})
  return()
endif()

# Bytes, not string literals: C limits those to 4095 characters.
file(GLOB files ${FOLDER}/*.avsc)
list(SORT files)
set(texts "")
set(table "")
foreach(file ${files})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND texts "static const uint8_t ${name}[] = {${bytes}};\n")
  string(APPEND table "    {\"${name}\", {${name}, sizeof ${name}}},\n")
endforeach()
file(READ ${MODEL} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(APPEND texts "static const uint8_t model[] = {${bytes}};\nconst struct bytes shipped_model = {model, sizeof model};\n")
list(LENGTH files count)
file(WRITE ${OUT} "/* Made from the schemas by cmake/schemas.cmake. */\n#include \"codec/shipped.h\"\n\n"
  "${texts}\nconst size_t n_shipped = ${count};\nconst struct shipped shipped[] = {\n${table}};\n")
