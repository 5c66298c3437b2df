#!/bin/bash
# Prints the experiment's commands, for `jobs/submit demo --config`: every method at every K on two tasks, each pruned model
# measured before and after the same short finetuning. Each line names its router rule: without -map a merge is collapsed, and
# methods that drop experts are sliced, as in the table of README.md.
set -eu
samples=60000
declare -A variants=(
  [uncurl]="--method uncurl --router collapse"
  [uncurl-unaligned]="--method uncurl --router collapse --align off"
  [uncurl-map]="--method uncurl --router map"
  [uncurl-map-unaligned]="--method uncurl --router map --align off"
  [m-smoe]="--method m-smoe --router collapse"
  [hc-smoe]="--method hc-smoe --router collapse"
  [frequency]="--method frequency --router slice"
  [gate-mass]="--method gate-mass --router slice"
  [reap]="--method reap --router slice"
  [random-1]="--method random --router slice --seed 1" [random-2]="--method random --router slice --seed 2"
  [random-3]="--method random --router slice --seed 3" [random-4]="--method random --router slice --seed 4"
  [random-5]="--method random --router slice --seed 5"
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
