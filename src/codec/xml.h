/*
 * XML of requests, an element at a time: what a decoder needs that knows from tables what should
 * come, so that no tree is built.
 *
 *   struct xml_in in = {.arena = a, .text = body, .tags_left = 100000};
 *   struct xml_tag root, child;
 *
 *   if (xml_root(&in, &root))
 *       while (xml_child(&in, &root, &child))
 *           xml_skip(&in, &child);      // or xml_content(), or its own children
 *   ok = xml_end(&in);
 *
 * Every child must be read to its end before the next one.  The first mistake turns in->failed
 * on; from then on everything answers false.  Names are without their prefix.  There are no
 * document types, so no entities but those that XML itself has.  Text is UTF-8; whoever opens it
 * checks that once, as a whole.
 */
#pragma once

#include "base/str.h"

#define XML_DEPTH_MAX 64

struct xml_in {
    struct arena *arena;
    struct str text;
    size_t tags_left; /* bounds the work and the memory */
    size_t at;
    unsigned depth;
    bool failed;
};

struct xml_tag {
    struct str name;
    struct str full;  /* with its prefix */
    struct str attrs; /* as written */
    bool empty;       /* <a/>: its end was read */
};

bool xml_root(struct xml_in *in, struct xml_tag *ret);
/* False at the parent's end, which is then read.  Text beside children is a mistake. */
bool xml_child(struct xml_in *in, struct xml_tag *parent, struct xml_tag *ret);
/* The text of an element without children, and its end. */
bool xml_content(struct xml_in *in, struct xml_tag *tag, struct str *ret);
bool xml_skip(struct xml_in *in, struct xml_tag *tag);
/* The value of an attribute, by its name with or without its prefix; false when there is none. */
bool xml_attr(struct xml_in *in, const struct xml_tag *tag, struct str name, struct str *ret);
/* Whether all went well and nothing but blanks and comments follows. */
bool xml_end(struct xml_in *in);
/* "xsi:type" → "type". */
struct str xml_local_name(struct str full);
