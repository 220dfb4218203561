package org.cctzoo.sample

import android.app.Activity
import android.content.Intent
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Matrix
import android.media.ExifInterface
import android.net.Uri
import android.os.Bundle
import android.os.SystemClock
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.view.ViewGroup.LayoutParams.WRAP_CONTENT
import android.widget.Button
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.TextView
import java.io.FileInputStream
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import kotlin.concurrent.thread
import kotlin.math.max
import kotlin.math.min

/** One screen: a button that opens the photo picker, the photo, and its classes. */
class MainActivity : Activity() {
    private lateinit var classifier: Classifier
    private lateinit var photo: ImageView
    private lateinit var answer: TextView

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        photo = ImageView(this).apply { adjustViewBounds = true }
        answer = TextView(this).apply { textSize = 18f }
        val choose = Button(this).apply {
            setText(R.string.choose)
            setOnClickListener { startActivityForResult(PICK, PHOTO) }
        }
        val column = LinearLayout(this).apply {
            orientation = LinearLayout.VERTICAL
            setPadding(48, 48, 48, 48)
            fitsSystemWindows = true
            addView(choose, LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT))
            addView(answer, LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT))
            addView(photo, LinearLayout.LayoutParams(MATCH_PARENT, 0, 1f))
        }
        setContentView(column)
        try {
            classifier = Classifier(model())
        } catch (error: Exception) {
            answer.text = "model.tflite cannot be used: ${error.message}"
            choose.isEnabled = false
        }
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        super.onActivityResult(request, result, data)
        val uri = data?.data
        if (request != PHOTO || result != RESULT_OK || uri == null) return
        thread {
            try {
                val image = decode(uri)
                val colours = IntArray(image.width * image.height)
                image.getPixels(colours, 0, image.width, 0, 0, image.width, image.height)
                val channels = classifier.metadata.channels
                val start = SystemClock.elapsedRealtimeNanos()
                val pixels = Pixels.of(colours, image.width, image.height, channels)
                // One photo at a time: an interpreter has one set of tensors.
                val answers = synchronized(classifier) { classifier.classify(pixels) }
                val milliseconds = (SystemClock.elapsedRealtimeNanos() - start) / 1e6
                val lines = answers.take(5).map { (name, share) ->
                    "%s  %.1f %%".format(name, 100 * share)
                }
                runOnUiThread {
                    photo.setImageBitmap(image)
                    answer.text = (lines + "%.1f ms".format(milliseconds)).joinToString("\n")
                }
            } catch (error: Exception) {
                runOnUiThread { answer.text = "The photo cannot be read: ${error.message}" }
            }
        }
    }

    /** The photo, turned upright if the model was trained on upright images. */
    private fun decode(uri: Uri): Bitmap {
        // A photo of 50 megapixels would not fit into memory. The decoder shrinks it by a power of
        // two, to not less than four times the model's size; the model's view does the rest.
        val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        read(uri) { BitmapFactory.decodeStream(it, null, options) }
        val least = 4 * max(classifier.metadata.width, classifier.metadata.height)
        val ratio = min(options.outWidth, options.outHeight) / least
        options.inSampleSize = max(Integer.highestOneBit(ratio), 1)
        options.inJustDecodeBounds = false
        val image = read(uri) { BitmapFactory.decodeStream(it, null, options) }
        requireNotNull(image) { "not an image" }
        if (!classifier.metadata.orient) return image
        val tag = read(uri) {
            ExifInterface(it).getAttributeInt(ExifInterface.TAG_ORIENTATION, 1)
        }
        val matrix = Matrix()
        when (tag) {
            ExifInterface.ORIENTATION_FLIP_HORIZONTAL -> matrix.setScale(-1f, 1f)
            ExifInterface.ORIENTATION_ROTATE_180 -> matrix.setRotate(180f)
            ExifInterface.ORIENTATION_FLIP_VERTICAL -> matrix.setScale(1f, -1f)
            ExifInterface.ORIENTATION_TRANSPOSE -> matrix.apply { setRotate(90f); postScale(-1f, 1f) }
            ExifInterface.ORIENTATION_ROTATE_90 -> matrix.setRotate(90f)
            ExifInterface.ORIENTATION_TRANSVERSE -> matrix.apply { setRotate(-90f); postScale(-1f, 1f) }
            ExifInterface.ORIENTATION_ROTATE_270 -> matrix.setRotate(-90f)
            else -> return image
        }
        return Bitmap.createBitmap(image, 0, 0, image.width, image.height, matrix, false)
    }

    private fun <T> read(uri: Uri, block: (InputStream) -> T): T =
        requireNotNull(contentResolver.openInputStream(uri)) { "not readable" }.use(block)

    private fun model(): ByteBuffer =
        assets.openFd("model.tflite").use { asset ->
            FileInputStream(asset.fileDescriptor).channel.use { channel ->
                channel.map(FileChannel.MapMode.READ_ONLY, asset.startOffset, asset.declaredLength)
            }
        }

    override fun onDestroy() {
        super.onDestroy()
        if (::classifier.isInitialized) synchronized(classifier) { classifier.close() }
    }

    private companion object {
        const val PHOTO = 1
        val PICK: Intent = Intent(Intent.ACTION_OPEN_DOCUMENT)
            .addCategory(Intent.CATEGORY_OPENABLE)
            .setType("image/*")
    }
}
