/* The facts stand above all layers: include base/x86.h. */
#pragma once

#include "base/x86.h"
