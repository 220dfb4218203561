package org.cctzoo.sample

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.exp
import org.tensorflow.lite.Interpreter

/** A `.tflite` file of cctzoo with a batch of one image. */
class Classifier(file: ByteBuffer) : AutoCloseable {
    val metadata: Metadata = Metadata.read(file)
    private val interpreter = Interpreter(file, Interpreter.Options().setNumThreads(2))
    private val count = interpreter.getOutputTensor(0).shape().last()
    private val names = metadata.classNames ?: List(count) { "class $it" }

    /** The classes and their probabilities, the most probable first. */
    fun classify(image: Pixels): List<Pair<String, Float>> {
        val pixels = image.view(metadata.width, metadata.height, metadata.cropPct, metadata.bicubic)
        val input = ByteBuffer.allocateDirect(4 * pixels.values.size).order(ByteOrder.nativeOrder())
        pixels.values.forEachIndexed { i, value ->
            val channel = i % metadata.channels
            val normalised = (value / 255f - metadata.mean[channel]) / metadata.std[channel]
            input.putFloat(if (metadata.normalised) value.toFloat() else normalised)
        }
        input.rewind()
        val output = arrayOf(FloatArray(count))
        interpreter.run(input, output)
        val probabilities = probabilities(output[0])
        val negative = metadata.negative
        val answers =
            if (negative == null) names.zip(probabilities.asIterable())
            else listOf(negative to 1 - probabilities[0], names[0] to probabilities[0])
        return answers.sortedByDescending { it.second }
    }

    private fun probabilities(output: FloatArray): FloatArray {
        if (!metadata.logits) return output
        if (metadata.threshold) return FloatArray(count) { 1 / (1 + exp(-output[it])) }
        val largest = output.reduce(::maxOf)
        val powers = FloatArray(count) { exp(output[it] - largest) }
        val sum = powers.sum()
        return FloatArray(count) { powers[it] / sum }
    }

    override fun close() = interpreter.close()
}
