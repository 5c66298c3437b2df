#!/bin/bash
# Prints the experiment's commands, for `jobs/submit demo --config`: every method at every K on two tasks, each pruned model
# measured as it is and after the same short finetuning.
set -eu
samples=60000
declare -A variants=(
  [uncurl]="--method uncurl"
  [uncurl-unaligned]="--method uncurl --align off"
  [uncurl-map]="--method uncurl --router map"
  [uncurl-map-unaligned]="--method uncurl --router map --align off"
  [m-smoe]="--method m-smoe"
  [hc-smoe]="--method hc-smoe"
  [frequency]="--method frequency"
  [gate-mass]="--method gate-mass"
  [reap]="--method reap"
  [random-1]="--method random --seed 1" [random-2]="--method random --seed 2" [random-3]="--method random --seed 3"
  [random-4]="--method random --seed 4" [random-5]="--method random --seed 5"
)
order="uncurl uncurl-unaligned uncurl-map uncurl-map-unaligned m-smoe hc-smoe frequency gate-mass reap
  random-1 random-2 random-3 random-4 random-5"

step() {
  echo "  \"$*\""
}

echo "steps = ["
step tokenize --config experiment/tokenize
step pretrain --model base --config experiment/pretrain
step finetune --stage prefinetune --from base --model flan --task flan --config experiment/prefinetune
for task in boolq rte; do
  step dump-logits --model flan --task "superglue/$task" --tokens "$samples" --outputs 8000
  models="--model flan" finetuned="--model flan-$task"
  step finetune --from flan --model "flan-$task" --task "superglue/$task" --config experiment/finetune
  for experts in 8 4 2; do
    for variant in $order; do
      model="$task-$variant-$experts"
      # shellcheck disable=SC2086
      step prune --from flan --task "superglue/$task" ${variants[$variant]} --experts "$experts" --model "$model"
      step finetune --from "$model" --model "$model-finetuned" --task "superglue/$task" --config experiment/finetune
      models+=" --model $model" finetuned+=" --model $model-finetuned"
    done
    # shellcheck disable=SC2086
    step evaluate --task "superglue/$task" --limit 300 $models $finetuned
    models="" finetuned=""
  done
done
echo "]"
echo "queries = []"
