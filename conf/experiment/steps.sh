#!/bin/bash
# Prints the experiment's commands, for `jobs/submit demo --config`. On each task: a plan of every method at every K, and each
# plan scored under every router rule that fits its method, without a model of it. Then, at K = 4 on two tasks, models of one rule
# per method, before and after the same short finetuning. Each line names every option that matters.
set -eu
compare="--limit 300 --margin 0.01"

step() {
  echo "  \"$*\""
}

echo "steps = ["
step tokenize --config experiment/tokenize
step pretrain --model base --config experiment/pretrain
step finetune --stage prefinetune --from base --model flan --task flan --config experiment/prefinetune
for task in superglue/boolq superglue/rte flan; do
  step dump-logits --model flan --task "$task" --tokens 60000 --outputs 8000
  step prune --from flan --task "$task" --method uncurl,m-smoe,hc-smoe,frequency,gate-mass,reap --experts 8,4,2 --plan-only
  step prune --from flan --task "$task" --method random --experts 8,4,2 --seed 1,2,3 --plan-only
  step evaluate --model flan --task "$task" --plan all --router all --align on "$compare" --against flan
  step evaluate --model flan --task "$task" --plan all --router map,collapse --align off "$compare" --against flan
done
for task in boolq rte; do
  step finetune --from flan --model "flan-$task" --task "superglue/$task" --config experiment/finetune
  models=""
  for variant in uncurl-map m-smoe-map frequency-mask reap-mask random-mask; do
    method=${variant%-*} router=${variant##*-} model="$task-$variant-4"
    step prune --from flan --task "superglue/$task" --method "$method" --router "$router" --align on --experts 4 --seed 1 \
      --model "$model"
    step finetune --from "$model" --model "$model-finetuned" --task "superglue/$task" --config experiment/finetune
    models+=" --model $model-finetuned"
  done
  step "evaluate --task superglue/$task $compare --against flan-$task$models"
done
echo "]"
echo "queries = []"
