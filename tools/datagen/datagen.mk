# data/* → $(B)/gen/data/*: see the awk programs.
GEN_DATA := $(B)/gen/data/catalogue.c $(B)/gen/data/managed_policies.c \
            $(B)/gen/data/public_parameters.c $(B)/gen/data/region_model.c \
            $(B)/gen/data/resource_types.c $(B)/gen/data/lambda.c

$(B)/gen/data/catalogue.h: $(B)/gen/data/catalogue.c ; @:
$(B)/gen/data/catalogue.c: tools/datagen/catalogue.awk \
    data/regions.txt data/offerings.txt data/instance_types.txt
	@mkdir -p $(@D)
	LC_ALL=C awk -v out=$(@D)/catalogue -f $^ || { rm -f $@; exit 1; }

$(B)/gen/data/managed_policies.h: $(B)/gen/data/managed_policies.c ; @:
$(B)/gen/data/managed_policies.c: tools/datagen/managed_policies.awk \
    $(wildcard data/managed_policies/*.json)
	@mkdir -p $(@D)
	LC_ALL=C awk -v out=$(@D)/managed_policies -f $^ || { rm -f $@; exit 1; }

# The texts as they are, one behind the other: the program reads them.
$(B)/gen/data/resource_types.h: $(B)/gen/data/resource_types.c ; @:
$(B)/gen/data/resource_types.c: $(wildcard data/resource_types/*.yaml)
	@mkdir -p $(@D)
	@echo 'extern const char resource_types_text[]; extern const unsigned resource_types_bytes;' \
	    > $(@D)/resource_types.h
	@{ echo '#include "gen/data/resource_types.h"'; \
	   echo 'const char resource_types_text[] = {'; \
	   cat $^ | od -An -v -tu1 | sed 's/\([0-9]\) /\1,/g; s/\([0-9]\)$$/\1,/'; echo '0};'; \
	   echo 'const unsigned resource_types_bytes = sizeof(resource_types_text) - 1;'; } > $@

$(B)/gen/data/public_parameters.h: $(B)/gen/data/public_parameters.c ; @:
$(B)/gen/data/public_parameters.c: tools/datagen/public_parameters.awk \
    data/regions.txt data/public_parameters.txt
	@mkdir -p $(@D)
	LC_ALL=C awk -v out=$(@D)/public_parameters -f $^ || { rm -f $@; exit 1; }

$(B)/gen/data/region_model.h: $(B)/gen/data/region_model.c ; @:
$(B)/gen/data/region_model.c: data/region_model.txt
	@mkdir -p $(@D)
	printf '/* %s as it is. */\n#pragma once\nextern const char region_model_default[];\n' $< >$(@:.c=.h)
	(echo '#include "gen/data/region_model.h"'; echo 'const char region_model_default[] ='; \
	    sed 's/[\\"]/\\&/g; s/.*/    "&\\n"/' $<; echo '    "";') >$@

# Programs in Python that run beside a function's code.
$(B)/gen/data/lambda.h: $(B)/gen/data/lambda.c ; @:
$(B)/gen/data/lambda.c: data/lambda/bootstrap.py data/lambda/cfnresponse.py
	@mkdir -p $(@D)
	@{ echo '#pragma once'; for f in $^; do \
	   echo "extern const char lambda_$$(basename $$f .py)[];"; done; } > $(@:.c=.h)
	@{ echo '#include "gen/data/lambda.h"'; for f in $^; do \
	   echo "const char lambda_$$(basename $$f .py)[] = {"; \
	   od -An -v -tu1 $$f | sed 's/\([0-9]\) /\1,/g; s/\([0-9]\)$$/\1,/'; echo '0};'; done; } > $@
