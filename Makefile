PYTHON ?= python3
run test setup bench soak reset clean: ; @$(PYTHON) dev.py $@ $(ARGS)
.PHONY: run test setup bench soak reset clean
