# data/*.txt → $(B)/gen/data/*: see the awk programs.
GEN_DATA := $(B)/gen/data/catalogue.c

$(B)/gen/data/catalogue.h: $(B)/gen/data/catalogue.c
$(B)/gen/data/catalogue.c: tools/datagen/catalogue.awk \
    data/regions.txt data/offerings.txt data/instance_types.txt
	@mkdir -p $(@D)
	LC_ALL=C awk -v out=$(@D)/catalogue -f $^ || { rm -f $@; exit 1; }
