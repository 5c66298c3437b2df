#!/bin/bash
# Trains the models of one seed on one core, and goes on where it was if it is run again:
#   bash conf/experiment/train.sh WAREHOUSE SEED
# Several seeds can be trained side by side, in one warehouse.
set -eu
warehouse=$1 seed=$2

run() { jobs/submit --master 'local[1]' -- "$@" --warehouse "$warehouse"; }
has() { run sql "SELECT model_id FROM models.registry" --csv | grep -qx "$1"; }

for experts in 8 0 32 16 4; do
  model=e$experts-s$seed
  has "$model" || run pretrain --model "$model" --config experiment/pretrain \
    --set model.moe.experts="$experts" --set train.seed="$seed"
  has "$model-flan" || run finetune --stage prefinetune --from "$model" --model "$model-flan" --task flan \
    --config experiment/prefinetune --set train.seed="$seed"
done
